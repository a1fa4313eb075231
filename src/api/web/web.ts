/**
 * `/api/v1/web/{namespace}/{package|default}/{action}[.extension][/path]`: actions that their owners offer publicly.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Functions } from '../../functions/index.ts';
import type { Log } from '../../lib/index.ts';
import type { TokenGuard } from './bearer.ts';
import { createAnswerMemory, createUploadMemory } from './body-budget.ts';
import { createOwnerShare } from './owner-share.ts';
import { createRateLimiter, type Rate } from './rate-limiter.ts';
import { parseWebTarget, restOf, splitUrl } from './target.ts';
import { createWebActions, type WebHead } from './web-actions.ts';
import { addWebScope, type WebScopeOptions } from './web-scope.ts';

interface WebOptions {
  readonly functions: Pick<Functions, 'actions' | 'namespaces' | 'invocations' | 'limits'>;
  readonly log: Log;
  readonly limits?: Partial<WebLimits>;
  readonly hasConsole: boolean;
  /** Of the host that Ward shares with pages of others; '' when it has its own. */
  readonly prefix: string;
  readonly guard: TokenGuard;
}

/** Limits on what one client may do without a key. */
export interface WebLimits {
  readonly perAddress: Rate;
  readonly perAddressAndAction: Rate;
  /** Most addresses that each of the two rates counts. */
  readonly addresses: number;
  /** Bytes of request bodies in memory at the same time. */
  readonly uploadBytes: number;
  /** Bytes of answers that clients have not read yet. */
  readonly answerBytes: number;
}

const mebibyte = 1024 * 1024;

const defaultWebLimits: WebLimits = {
  perAddress: { perSecond: 200, burst: 400 },
  perAddressAndAction: { perSecond: 100, burst: 200 },
  addresses: 10_000,
  uploadBytes: 64 * mebibyte,
  answerBytes: 256 * mebibyte,
};

/** The common parts of web actions and the gateway, counters included. */
export type Web = WebScopeOptions;

export function createWeb({ functions, log, guard, hasConsole, prefix, ...options }: WebOptions): Web {
  const limits = { ...defaultWebLimits, ...options.limits };
  const capacity = limits.addresses;
  return {
    actions: createWebActions({ functions, share: createOwnerShare(functions.invocations.allowed), guard }),
    perAddress: createRateLimiter({ rate: limits.perAddress, capacity }),
    perAddressAndAction: createRateLimiter({ rate: limits.perAddressAndAction, capacity }),
    uploads: createUploadMemory(limits.uploadBytes),
    answers: createAnswerMemory(limits.answerBytes),
    maxBodyBytes: functions.limits.payloadBytes,
    log,
    isolatesPages: hasConsole || prefix !== '',
    withholdsCookies: prefix !== '',
  };
}

const root = '/api/v1/web/';
const rootSegments = root.split('/').length - 2;

/** Do not add it below a hook that asks for credentials or sets CORS headers. */
export function addWeb(app: FastifyInstance, web: Web): void {
  addWebScope(app, { url: `${root}*` }, web, (request) => {
    const { segments, query } = splitUrl(request.raw.url ?? '');
    return { head: headAt(request, segments.slice(rootSegments), query) };
  });
}

/**
 * @param segments percent-encoded: a namespace, a package (or `default`), an action, and the rest of the path
 * @throws Fault NOT_FOUND
 */
export function headAt(request: FastifyRequest, segments: readonly string[], query: string): WebHead {
  const [namespace = '', inPackage = '', name = '', ...rest] = segments;
  return {
    ...parseWebTarget([namespace, inPackage, name]),
    method: request.method,
    headers: request.headers,
    path: restOf(rest),
    query,
    pathParameters: {},
    transactionId: request.id,
  };
}
