/**
 * Runs functions of the suite on Ward's own invoker. They attack the channel, the life of a sandbox between calls, and
 * the way to the API. The first technique that needs the invoker opens it.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, openBlobStore } from '../blobs/index.ts';
import { type ActionLimits, type Job, type JobTarget, linesOf } from '../dispatch/index.ts';
import { type ImageStore, runtimeKinds } from '../images/index.ts';
import { type ApiConnection, createInvoker, type InvokerOptions, openCodePlaces } from '../invoker/index.ts';
import { isJsonObject, type JsonObject, newActivationId, randomHex, silentLog } from '../lib/index.ts';
import { type LocalSandboxHost, operatorPolicy, type SandboxPolicy, takeOrders } from '../sandbox/index.ts';
import { programText } from './programs.ts';
import type { AttackedApi, Caller, DeployedFunction, HostContext, OpenAttackedApi } from './types.ts';

export interface Functions extends AsyncDisposable, Pick<HostContext, 'deploy' | 'deployCaller'> {}

interface FunctionsOptions {
  readonly host: LocalSandboxHost;
  readonly images: ImageStore;
  readonly policy: SandboxPolicy;
  readonly openApi?: OpenAttackedApi | undefined;
}

export function openFunctions(options: FunctionsOptions): Functions {
  const stack = new AsyncDisposableStack();
  let opened: ReturnType<typeof openInvoker> | undefined;
  let openedCallers: ReturnType<typeof openCallers> | undefined;
  return {
    async deploy(code, limits = {}) {
      opened ??= openInvoker(options, stack);
      return (await opened).deploy(code, { ...defaultLimits, ...limits });
    },
    async deployCaller(code) {
      openedCallers ??= openCallers(options, stack);
      return (await openedCallers)(code);
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([opened, openedCallers]);
      await stack.disposeAsync();
    },
  };
}

async function openInvoker(
  { host, images, policy }: FunctionsOptions,
  stack: AsyncDisposableStack,
  onApiConnection?: InvokerOptions['onApiConnection'],
) {
  const folder = await mkdtemp(join(tmpdir(), 'ward-prove-functions-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const blobs = await openBlobStore(join(folder, 'blobs'));
  const operator = { ...operatorPolicy(), defaults: policy };
  const invoker = await createInvoker({
    ...{ host: takeOrders(host, operator), images, blobs },
    codePlaces: await openCodePlaces(join(folder, 'code')),
    operator,
    kinds: runtimeKinds(),
    apiHost: () => 'http://127.0.0.1:1',
    ...(onApiConnection === undefined ? {} : { onApiConnection }),
    // One sandbox is prewarmed, so that calls that get a prewarmed sandbox are tried too.
    ...{ memoryMiB: 4096, prewarm: [{ kind: 'python:3.13', memoryMiB: 128, count: 1 }] },
    ...{ maxStarting: 4, maxQueued: 100 },
    ...{ freezeAfterMs: 1, keepAliveMs: 60_000 },
    log: silentLog,
  });
  stack.use(invoker);
  const deploy = async (
    code: string | Buffer,
    limits: ActionLimits,
    more: Partial<Job> = {},
  ): Promise<DeployedFunction> => {
    const bytes = Buffer.from(code);
    await blobs.put(bytes);
    const target = { ...targetOf(bytes, Buffer.isBuffer(code), limits), ...more };
    return {
      async call(parameters = {}) {
        const ids = { activationId: newActivationId(), transactionId: 'prove' };
        const { completion, log } = await invoker.run({
          ...target,
          ...ids,
          parameters,
          acceptedAt: Date.now(),
        });
        return { ...completion, lines: linesOf(await log) };
      },
    };
  };
  return { invoker, blobs, deploy };
}

/** Deploys functions with a port for the API, each under its own namespace, which identifies its connections. */
async function openCallers(options: FunctionsOptions, stack: AsyncDisposableStack) {
  const { openApi, policy } = options;
  if (openApi === undefined) throw new Error('the suite was given no API to attack');
  let api: AttackedApi | undefined;
  const heard = new Map<string, { open: number; most: number; all: number }>();
  const { invoker, blobs, deploy } = await openInvoker(options, stack, (connection) => {
    const count = heard.get(connection.namespace);
    if (count === undefined || api === undefined) return void connection.socket.destroy();
    countIn(count, connection);
    api.connect({ ...connection, namespace: attacker });
  });
  api = stack.use(await openApi({ invoker, blobs }));
  const { facts } = api;
  return async (code: string): Promise<Caller> => {
    const namespace = `${attacker}-${randomHex(4)}`;
    const count = { open: 0, most: 0, all: 0 };
    heard.set(namespace, count);
    const limits = { ...defaultLimits, timeoutMs: 30_000 };
    const own = { namespace, providesApiKey: true, apiKey: facts.key };
    const action = await deploy(programText('caller') + code, limits, own);
    return {
      connections: () => ({ ...count }),
      async call(parameters: JsonObject = {}) {
        const { result } = await action.call({ ...facts, runtime: policy.runtime, ...parameters });
        if (!isJsonObject(result) || result['error'] !== undefined) throw new Error(JSON.stringify(result));
        return result;
      },
    };
  };
}

function countIn(count: { open: number; most: number; all: number }, { socket }: ApiConnection): void {
  count.all++;
  count.open++;
  count.most = Math.max(count.most, count.open);
  socket.once('close', () => count.open--);
}

const attacker = 'prove';
const defaultLimits: ActionLimits = { timeoutMs: 10_000, memoryMiB: 128, logBytes: 65_536, concurrency: 1 };

function targetOf(code: Buffer, isArchive: boolean, limits: ActionLimits): JobTarget {
  return {
    namespace: attacker,
    action: `/prove/${randomHex(4)}`,
    version: '0.0.1',
    revision: randomHex(8),
    kind: 'python:3.13',
    code: { digest: digestOf(code), binary: isArchive, main: 'main' },
    limits,
    initEnv: {},
  };
}
