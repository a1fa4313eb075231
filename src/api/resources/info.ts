/** What anyone may ask: whether the server is alive and ready, its version, its kinds and its limits. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Functions, familyOf, type Runtime, type SystemLimits } from '../../functions/index.ts';
import { sendJson } from '../errors.ts';
import { queryBoolean, queryText } from '../query.ts';
import { addResource, type Resource } from '../resource.ts';

export interface BuildInfo {
  /** A date or a commit. */
  readonly build: string;
  /** Its version. */
  readonly buildno: string;
}

/** Whether Ward serves calls now, and what prevents it. */
export interface Readiness {
  readonly ready: boolean;
  /** Whether the disk accepts records of calls. `since` in epoch milliseconds; `error` is the code of a fault. */
  readonly recording:
    | { readonly state: 'ok' }
    | { readonly state: 'failing'; readonly since: number; readonly error: string };
  /** `short`: tenants cannot write. `critical`: no calls either. */
  readonly disk: 'ample' | 'short' | 'critical';
  /** Only of a node that runs no calls itself. `alone`: others hear invokers, and it hears none. */
  readonly bus?: 'up' | 'alone' | 'down';
}

/** A load balancer asks again anyway. */
const askAgainSeconds = 5;

/** `/ping` and `/`. */
export function addSystemInfo(
  app: FastifyInstance,
  functions: Functions,
  readiness: () => Readiness = alwaysReady,
): void {
  addResource(app, ['/ping', '/ping/'], {
    GET: {
      access: 'anyone',
      handler: (request, reply) => {
        if (asksForReadiness(request)) return sendReadiness(reply, readiness());
        reply.header('content-type', 'text/plain; charset=UTF-8').send('pong');
      },
    },
  });
  addResource(app, ['/'], constant(systemInfo(functions.limits, functions.runtimes)));
}

/** `?ready` is enough. */
function asksForReadiness({ query }: FastifyRequest): boolean {
  return queryText(query, 'ready') === '' || queryBoolean(query, 'ready', false);
}

function alwaysReady(): Readiness {
  return { ready: true, recording: { state: 'ok' }, disk: 'ample' };
}

function sendReadiness(reply: FastifyReply, state: Readiness): void {
  if (!state.ready) reply.header('retry-after', askAgainSeconds);
  reply.header('cache-control', 'no-store');
  void sendJson(reply, state.ready ? 200 : 503, JSON.stringify(state));
}

/** `/api/v1`. */
export function addApiInfo(scope: FastifyInstance, build: BuildInfo): void {
  const info = {
    description: 'OpenWhisk API',
    api_version: '1.0.0',
    api_version_path: 'v1',
    build: build.build,
    buildno: build.buildno,
    swagger_paths: { ui: '/docs', 'api-docs': '/api-docs' },
  };
  addResource(scope, ['/api/v1', '/api/v1/'], constant(info));
}

function constant(document: unknown): Resource {
  const text = JSON.stringify(document);
  return { GET: { access: 'anyone', handler: (_request, reply) => void sendJson(reply, 200, text) } };
}

function systemInfo(limits: SystemLimits, runtimes: readonly Runtime[]) {
  const mebibyte = 1024 * 1024;
  return {
    description: 'OpenWhisk',
    support: { github: '', slack: '' },
    api_paths: ['/api/v1'],
    limits: {
      actions_per_minute: limits.invocationsPerMinute,
      triggers_per_minute: limits.firesPerMinute,
      concurrent_actions: limits.concurrentInvocations,
      sequence_length: limits.sequenceLength,
      default_action_duration: limits.timeoutMs.default,
      min_action_duration: limits.timeoutMs.min,
      max_action_duration: limits.timeoutMs.max,
      default_action_memory: limits.memoryMiB.default * mebibyte,
      min_action_memory: limits.memoryMiB.min * mebibyte,
      max_action_memory: limits.memoryMiB.max * mebibyte,
      default_action_logs: limits.logMiB.default * mebibyte,
      min_action_logs: limits.logMiB.min * mebibyte,
      max_action_logs: limits.logMiB.max * mebibyte,
      max_action_result: limits.resultBytes,
    },
    runtimes: byFamily(runtimes),
  };
}

function byFamily(runtimes: readonly Runtime[]): Readonly<Record<string, readonly Runtime[]>> {
  const families: Record<string, Runtime[]> = {};
  for (const runtime of runtimes) {
    const family = familyOf(runtime.kind);
    families[family] = [...(families[family] ?? []), runtime];
  }
  return families;
}
