/**
 * Functions of the suite, run by Ward's own invoker: what is attacked there is the channel and the life of a
 * sandbox between calls. The invoker is opened by the first technique that needs it.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, type ImageStore, openBlobStore, runtimeKinds } from '../images/index.ts';
import { type ActionLimits, createInvoker, type JobTarget, linesOf } from '../invoker/index.ts';
import { newActivationId, randomHex, silentLog } from '../lib/index.ts';
import { operatorPolicy, type SandboxHost, type SandboxPolicy } from '../sandbox/index.ts';
import type { DeployedFunction } from './types.ts';

export interface Functions extends AsyncDisposable {
  deploy(code: string | Buffer, limits?: Partial<ActionLimits>): Promise<DeployedFunction>;
}

export interface FunctionsOptions {
  readonly host: SandboxHost;
  readonly images: ImageStore;
  readonly policy: SandboxPolicy;
}

export function openFunctions(options: FunctionsOptions): Functions {
  const stack = new AsyncDisposableStack();
  let opened: ReturnType<typeof openInvoker> | undefined;
  return {
    async deploy(code, limits = {}) {
      opened ??= openInvoker(options, stack);
      const { invoker, blobs } = await opened;
      const bytes = Buffer.from(code);
      await blobs.put(bytes);
      const target = targetOf(bytes, Buffer.isBuffer(code), { ...defaultLimits, ...limits });
      return {
        async call(parameters = {}) {
          const ids = { activationId: newActivationId(), transactionId: 'prove' };
          const completion = await invoker.run({ ...target, ...ids, parameters, acceptedAt: Date.now() });
          return { ...completion, lines: linesOf(await completion.logs) };
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await opened?.catch(() => {});
      await stack.disposeAsync();
    },
  };
}

async function openInvoker({ host, images, policy }: FunctionsOptions, stack: AsyncDisposableStack) {
  const folder = await mkdtemp(join(tmpdir(), 'ward-prove-functions-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const blobs = await openBlobStore(join(folder, 'blobs'));
  const invoker = await createInvoker({
    ...{ host, images, blobs },
    codeDir: join(folder, 'code'),
    operator: { ...operatorPolicy(), defaults: policy },
    kinds: runtimeKinds(),
    apiHost: () => 'http://127.0.0.1:1',
    ...{ memoryMiB: 4096, prewarm: [], maxStarting: 4, maxQueued: 100 },
    ...{ freezeAfterMs: 1, keepAliveMs: 60_000 },
    log: silentLog,
  });
  stack.use(invoker);
  return { invoker, blobs };
}

const defaultLimits: ActionLimits = { timeoutMs: 10_000, memoryMiB: 128, logBytes: 65_536, concurrency: 1 };

function targetOf(code: Buffer, isArchive: boolean, limits: ActionLimits): JobTarget {
  return {
    namespace: 'prove',
    action: `/prove/${randomHex(4)}`,
    version: '0.0.1',
    revision: randomHex(8),
    kind: 'python:3.13',
    code: { digest: digestOf(code), binary: isArchive, main: 'main' },
    limits,
    initEnv: {},
  };
}
