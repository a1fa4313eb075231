/** `ward sandbox learn`: an action's calls in sandboxes of this process, with every system call of theirs recorded. */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { digestOf, openBlobStore, runtimeKinds } from '../images/index.ts';
import { createInvoker, type Invoker, type Job, type JobTarget, openCodePlaces } from '../invoker/index.ts';
import { type JsonObject, mustRun, newActivationId, randomHex, silentLog } from '../lib/index.ts';
import { type Learned, learnedProfile, openRecorder, operatorPolicy, takeOrders } from '../sandbox/index.ts';
import { openByHand } from './by-hand.ts';
import { loadConfig } from './config.ts';
import { serverFault } from './faults.ts';
import { runDir } from './instance-locks.ts';

/** An action as its owner reads it from the API. */
export interface LearnRequest {
  /** `/ns/[pkg/]name`. */
  readonly action: string;
  readonly namespace: string;
  readonly kind: string;
  readonly code: Buffer;
  readonly binary: boolean;
  readonly main: string;
  readonly timeoutMs: number;
  readonly memoryMiB: number;
  /** The parameters of each call. */
  readonly calls: readonly JsonObject[];
}

export interface LearnOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
}

export type { Learned };

/**
 * Runs the calls one after the other in one sandbox under the default profile.
 * @throws Fault RECORDING_FAILED; LEARNING_FAILED when a call does not succeed: what it needs is not known then
 */
export async function learnHere(options: LearnOptions, request: LearnRequest): Promise<Learned> {
  const config = await loadConfig(options);
  const operator = operatorPolicy(config.sandbox);
  const { runtime } = operator.defaults;
  if (runtime === 'runsc')
    throw serverFault('LEARNING_FAILED', 'under runsc the host sees none of an action’s system calls', {
      hint: 'learn where sandbox.runtime is crun or runc; the profile holds under gVisor, too',
    });
  await using stack = new AsyncDisposableStack();
  const { host, images, instance } = stack.use(await openByHand(config, runtime));
  const folder = join(runDir, 'learn', instance);
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await chmod(join(runDir, 'learn'), 0o711);
  // In Ward's own mount namespace, so that other users of the machine don't find the code.
  await mustRun(['mount', '-t', 'tmpfs', '-o', 'mode=711,nosuid,nodev', 'ward', folder]);
  stack.defer(async () => void (await mustRun(['umount', '--lazy', folder])));
  const blobs = openBlobStore(join(folder, 'code'));
  await blobs.put(request.code);
  const recorder = stack.use(await openRecorder(instance));
  const invoker = await createInvoker({
    ...config.invoker,
    host: takeOrders(host, operator),
    images,
    blobs,
    codePlaces: await openCodePlaces(join(folder, 'laid')),
    operator,
    kinds: runtimeKinds(),
    apiHost: () => config.apiHost ?? '',
    prewarm: [],
    // A frozen sandbox would say nothing of what it does between calls.
    freezeAfterMs: config.invoker.keepAliveMs,
    log: silentLog,
  });
  try {
    await runCalls(invoker, targetOf(request), request.calls);
  } finally {
    await invoker.close();
  }
  return learnedProfile(recorder.numbers(), arch() === 'arm64' ? 'arm64' : 'x64');
}

function targetOf(request: LearnRequest): JobTarget {
  const { action, namespace, kind, code, binary, main, timeoutMs, memoryMiB } = request;
  return {
    namespace,
    action,
    version: '0.0.1',
    revision: randomHex(8),
    kind,
    code: { digest: digestOf(code), binary, main },
    limits: { timeoutMs, memoryMiB, logBytes: 10 * 1024 * 1024, concurrency: 1 },
    initEnv: {},
  };
}

async function runCalls(
  invoker: Pick<Invoker, 'run'>,
  target: JobTarget,
  calls: readonly JsonObject[],
): Promise<void> {
  for (const [index, parameters] of calls.entries()) {
    const activationId = newActivationId();
    const job: Job = {
      ...target,
      activationId,
      transactionId: activationId,
      parameters,
      acceptedAt: Date.now(),
    };
    const { status, json } = await invoker.run(job);
    if (status === 'success') continue;
    throw serverFault('LEARNING_FAILED', `call ${index + 1} ended with ${status}: ${json.slice(0, 300)}`, {
      hint: 'sample calls have to succeed, so that all that they need is seen',
    });
  }
}
