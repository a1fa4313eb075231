/**
 * The API on the real domain, with a real store and blob store in a temporary folder. Only the invoker is a double:
 * the test scripts the result of each job. The real invoker is tested end to end in `test/`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { openBlobStore } from '../blobs/index.ts';
import type { Completion, Dispatcher, Job, JobEnd } from '../dispatch/index.ts';
import {
  createFunctions,
  createVault,
  type Functions,
  type FunctionsOptions,
  type LoginOptions,
  noLogins,
} from '../functions/index.ts';
import { Fault, type JsonValue, type Log, silentLog } from '../lib/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { createApi, type TlsOptions } from './api.ts';
import type { ApiLimits } from './api-limits.ts';
import type { MemoryAdmission } from './request-memory.ts';
import { openTlsFront } from './secure/tls-front.ts';

interface HttpAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly text: string;
  /** The body as JSON. */
  readonly body: unknown;
}

interface CallOptions {
  readonly body?: unknown;
  /** Sent unchanged. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestApi extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly functions: Functions;
  readonly store: Store;
  /** `uuid:secret` of guest. */
  readonly key: string;
  readonly jobs: Job[];
  /** The result of the next jobs. By default, a job returns its parameters. */
  script: (job: Job) => EndedJob | Promise<EndedJob>;
  /** The log of a running job, for each of its followers. */
  live: Dispatcher['follow'];
  /** Requests below /api/v1/namespaces/_ unless the path begins with a slash. */
  call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, options?: CallOptions): Promise<HttpAnswer>;
}

export interface TestApiOptions {
  readonly api?: Partial<ApiLimits>;
  readonly limits?: NonNullable<FunctionsOptions['limits']>;
  readonly forwarding?: FunctionsOptions['forwarding'];
  readonly trustedProxies?: readonly string[];
  readonly logins?: Partial<LoginOptions>;
  /** Logs every request. */
  readonly accessLog?: Log;
  readonly tracing?: FunctionsOptions['tracing'];
  /** Lets browsers log in. */
  readonly console?: boolean;
  /** Before all paths in the URLs that clients use. */
  readonly prefix?: string;
  readonly tls?: Omit<TlsOptions, 'open'>;
  readonly memory?: MemoryAdmission;
}

/** A completion with its log, as scripts return both. */
export type EndedJob = Completion & Pick<JobEnd, 'log'>;

export function completion(result: JsonValue, more: Partial<EndedJob> = {}): EndedJob {
  const json = JSON.stringify(result);
  const now = Date.now();
  return {
    status: 'success',
    result,
    json,
    sizeBytes: Buffer.byteLength(json),
    startedAt: now - 5,
    endedAt: now,
    waitMs: 1,
    timedOut: false,
    start: 'warm',
    log: Promise.resolve([]),
    ...more,
  };
}

export const hello = { exec: { kind: 'nodejs:default', code: 'function main() { return {} }' } };

export const basic = (key: string) => `Basic ${Buffer.from(key).toString('base64')}`;

export async function startApi(options: TestApiOptions = {}): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-api-'));
  const store = await openStore({ path: join(folder, 'data', 'ward.db') });
  const jobs: Job[] = [];
  let inFlight = 0;
  const vaultSecret = randomBytes(32);
  const functions = createFunctions({
    store,
    blobs: openBlobStore(join(folder, 'code')),
    vault: createVault(() => [{ id: 'test', secret: vaultSecret }]),
    apiHost: () => `http://ward.test${options.prefix ?? ''}`,
    isAlone: true,
    log: options.accessLog ?? silentLog,
    limits: options.limits ?? {},
    ...(options.logins === undefined ? {} : { logins: { ...noLogins, ...options.logins } }),
    forwarding: options.forwarding,
    tracing: options.tracing,
    admission: {
      admit(_namespace, limits) {
        if (inFlight >= limits.concurrentInvocations) {
          const counts = `(count: ${inFlight}, allowed: ${limits.concurrentInvocations})`;
          throw new Fault(
            'TOO_MANY_CONCURRENT',
            'throttled',
            `Too many concurrent requests in flight ${counts}.`,
          );
        }
        inFlight++;
        return { release: () => void inFlight-- };
      },
      admitFire() {},
      resume: () => ({ release() {} }),
      allowed: (limits) => limits,
      usage: (_namespace, limits) => ({
        limit: limits.invocationsPerMinute,
        remaining: limits.invocationsPerMinute - jobs.length,
        resetMs: 60_000,
      }),
    },
    dispatcher: {
      async run(job) {
        jobs.push(job);
        const { log, ...completion } = await api.script(job);
        return { completion, log };
      },
      cancel() {},
      warm() {},
      prefetch() {},
      follow: (...asked) => api.live(...asked),
      checkTarget: async () => {},
      kept: () => [],
      grant() {},
      retire() {},
      namespaces: () => new Set(),
      expel() {},
    },
  });
  const key = await functions.namespaces.create('guest');
  const operator = {
    waivers: {
      list: async () => [],
      add: async () => ({ id: '1', finding: '1', reason: 'why', by: 'who', expires: '2099-01-01' }),
      remove: async () => false,
    },
    policy: {
      read: async () => ({ text: '', digest: null, own: '', revision: '1', readOnly: null, reports: 0 }),
      preview: async () => ({
        ...{ revision: null, problems: [], reportsRead: 0, judged: 0, changed: 0 },
        ...{ denied: 0, admitted: 0, changes: [], next: null },
      }),
      save: async () => ({}),
    },
    overview: async () => ({
      ...{ version: '1.2.3', nodes: [], namespaces: 1, advisories: { count: 0 } },
      queue: { waiting: 0, begun: 0, oldestWaitingMs: null },
      disk: { freeBytes: 1, reserveBytes: 1, state: 'ample' },
    }),
    namespaces: async () => ({ total: 1, namespaces: [] }),
    disk: async () => ({
      ...{ at: 0, dataDir: folder, engine: 'sqlite' as const, isInBucket: false, parts: [] },
      ...{ totalBytes: 1, freeBytes: 1, reserveBytes: 1, state: 'ample' },
    }),
    retention: async () => ({ kept: [], namespaces: [] }),
    advisories: async () => ({ count: 0, failed: [], sources: [] }),
    queue: async () => ({ total: 0, namespaces: [] }),
    backup: async () => ({ dataDir: folder, isElsewhere: false, last: null }),
    database: async () => ({ engine: 'sqlite' as const, migrations: [] }),
    isolation: async () => ({ policy: [], doctor: null, doctorRuns: [], prove: null, proveRuns: [] }),
    violations: async () => ({ total: 0, violations: [] }),
    news: async () => ({}),
  };
  const app = createApi({
    functions,
    build: { build: '2026-01-01', buildno: '1.2.3' },
    log: options.accessLog ?? silentLog,
    accessLog: options.accessLog !== undefined,
    limits: options.api ?? {},
    trustedProxies: options.trustedProxies ?? [],
    console: options.console === true ? { operator } : undefined,
    tls: options.tls && { ...options.tls, open: openTlsFront },
    memory: options.memory,
    prefix: options.prefix ?? '',
  });
  const api: TestApi = {
    app,
    functions,
    store,
    key,
    jobs,
    script: (job) => completion({ ...job.parameters }),
    live: () => undefined,
    call: (method, path, more) => inject(app, basic(key), method, path, more),
    async [Symbol.asyncDispose]() {
      await app.close();
      await functions.close(1000);
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
  return api;
}

async function inject(
  app: FastifyInstance,
  authorization: string,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  { body, raw, headers }: CallOptions = {},
): Promise<HttpAnswer> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await app.inject({
    method,
    url: path.startsWith('/') ? path : `/api/v1/namespaces/_/${path}`,
    headers: {
      authorization,
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  });
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.payload,
    get body(): unknown {
      return JSON.parse(response.payload);
    },
  };
}
