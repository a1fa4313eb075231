/**
 * The domain on a real store and a real blob store in a temporary folder. Only admission and the invoker are doubles:
 * the test scripts the result of each job. The real invoker is tested end to end in `test/`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlobStore, openBlobStore } from '../blobs/index.ts';
import {
  type Completion,
  type CompletionStatus,
  type Job,
  type JobEnd,
  type JobTarget,
  jobWithdrawn,
} from '../dispatch/index.ts';
import { Fault, type JsonValue, silentLog } from '../lib/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { type EntityRef, parseEntityName, parseNamespaceName } from './entities/names.ts';
import { createFunctions, type Functions, type FunctionsOptions } from './functions.ts';
import type { Identity } from './namespaces/namespaces.ts';
import { createVault, type Vault, type VaultKey } from './vault/vault.ts';

export type Script = (job: Job) => EndedJob | Promise<EndedJob>;

type ScriptedCalls = FunctionsOptions['dispatcher'] & FunctionsOptions['admission'];

export interface ScriptedInvoker extends ScriptedCalls {
  readonly jobs: Job[];
  readonly retired: string[];
  readonly warmed: JobTarget[];
  readonly prefetched: (string | undefined)[];
  /** Number of admitted trigger firings. */
  fired: number;
  /** Admissions not yet released. */
  inFlight: number;
  script: Script;
  /** Jobs get no sandbox before this resolves. */
  slot: Promise<void> | undefined;
  /** Number of jobs that wait for a sandbox. */
  waiting: number;
  /** Ends a job as cancelled, by its activation. */
  readonly cancelled: Map<string, () => void>;
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

export function failure(status: CompletionStatus, error: string): EndedJob {
  return completion({ error }, { status });
}

/** Returns the parameters, and refuses calls over the namespace's concurrency limit. */
export function scriptedInvoker(): ScriptedInvoker {
  const invoker: ScriptedInvoker = {
    jobs: [],
    retired: [],
    warmed: [],
    prefetched: [],
    fired: 0,
    inFlight: 0,
    script: (job) => completion(Array.isArray(job.parameters) ? null : { ...job.parameters }),
    slot: undefined,
    waiting: 0,
    cancelled: new Map(),
    admit(_namespace, limits) {
      if (invoker.inFlight >= limits.concurrentInvocations) {
        const counts = `(count: ${invoker.inFlight}, allowed: ${limits.concurrentInvocations})`;
        throw new Fault(
          'TOO_MANY_CONCURRENT',
          'throttled',
          `Too many concurrent requests in execution ${counts}.`,
        );
      }
      invoker.inFlight++;
      return { release: () => void invoker.inFlight-- };
    },
    async run(job, handover) {
      invoker.waiting++;
      const { promise: ended, resolve } = Promise.withResolvers<EndedJob>();
      const text = 'The activation was cancelled.';
      invoker.cancelled.set(job.activationId, () => resolve(failure('whisk internal error', text)));
      const early = await Promise.race([invoker.slot, ended]);
      invoker.waiting--;
      if (early === undefined) {
        if (handover !== undefined && !(await handover.begin())) throw jobWithdrawn();
        invoker.jobs.push(job);
      }
      const { log, ...completion } = early ?? (await Promise.race([invoker.script(job), ended]));
      return { completion, log };
    },
    admitFire: () => void invoker.fired++,
    resume() {
      invoker.inFlight++;
      return { release: () => void invoker.inFlight-- };
    },
    allowed: (limits) => limits,
    usage: (_namespace, limits) => ({
      limit: limits.invocationsPerMinute,
      remaining: limits.invocationsPerMinute,
      resetMs: 60_000,
    }),
    cancel: (id) => invoker.cancelled.get(id)?.(),
    warm: (target) => void invoker.warmed.push(target),
    prefetch: ({ image }) => void invoker.prefetched.push(image),
    follow: () => undefined,
    checkTarget: async () => {},
    kept: () => [],
    grant() {},
    retire: (action) => void invoker.retired.push(action),
    namespaces: () => new Set(),
    expel: () => {},
  };
  return invoker;
}

export interface Platform extends AsyncDisposable {
  readonly functions: Functions;
  readonly invoker: ScriptedInvoker;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly vault: Vault;
  /** The vault's keys. A test changes them like an operator. */
  readonly vaultKeys: VaultKey[];
  readonly path: string;
  /** `guest`'s header and identity. */
  readonly authorization: string;
  readonly guest: Identity;
  /** Starts another process on the same data, by default with the same invoker double. */
  restart(invoker?: ScriptedInvoker): Promise<Functions>;
}

export type PlatformOptions = Partial<
  Omit<FunctionsOptions, 'store' | 'blobs' | 'admission' | 'dispatcher' | 'vault' | 'apiHost' | 'log'>
> & {
  /** Opens the store of the next server. By default it is in SQLite, in the platform's folder. */
  readonly openStore?: () => Promise<Store>;
  readonly wrapBlobs?: (blobs: BlobStore) => BlobStore;
};

const apiHost = () => 'http://ward.test';

export async function startPlatform({
  openStore: open,
  wrapBlobs = (blobs) => blobs,
  ...options
}: PlatformOptions = {}): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-functions-'));
  const path = join(folder, 'data', 'ward.db');
  const blobs = wrapBlobs(openBlobStore(join(folder, 'code')));
  const invoker = scriptedInvoker();
  const vaultKeys: [VaultKey] = [{ id: 'test', secret: randomBytes(32) }];
  const vault = createVault(() => vaultKeys);
  const stores: Store[] = [];
  const running: Functions[] = [];
  const start = async (invoker: ScriptedInvoker) => {
    const store = await (open ?? (() => openStore({ path })))();
    stores.push(store);
    const functions = createFunctions({
      ...{ isAlone: true, ...options },
      ...{ store, blobs, vault, apiHost, log: silentLog },
      ...{ admission: invoker, dispatcher: invoker },
    });
    running.push(functions);
    return { store, functions };
  };
  const { store, functions } = await start(invoker);
  const authorization = basic(await functions.namespaces.create('guest'));
  const guest = await functions.namespaces.authenticate(authorization);
  return {
    functions,
    invoker,
    store,
    blobs,
    vault,
    vaultKeys,
    path,
    authorization,
    guest,
    restart: async (own = invoker) => (await start(own)).functions,
    async [Symbol.asyncDispose]() {
      for (const each of running) await each.close(1000);
      for (const each of stores) await each.close();
      await rm(folder, { recursive: true });
    },
  };
}

export function basic(key: string): string {
  return `Basic ${Buffer.from(key).toString('base64')}`;
}

export function ref(name: string, namespace = 'guest', inPackage?: string): EntityRef {
  return {
    namespace: parseNamespaceName(namespace),
    package: inPackage === undefined ? undefined : parseEntityName(inPackage),
    name: parseEntityName(name),
  };
}

export const hello = { exec: { kind: 'nodejs:default', code: 'function main() { return {} }' } };
