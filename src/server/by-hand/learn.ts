/**
 * `ward sandbox learn`: calls an action in sandboxes and records all of their system calls. Root makes the sandboxes
 * and opens the recording; the other half, without rights, makes the calls and reads the results.
 */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { digestOf, openBlobStore } from '../../blobs/index.ts';
import type { Job, JobTarget } from '../../dispatch/index.ts';
import { runtimeKinds } from '../../images/index.ts';
import { createInvoker, type Invoker } from '../../invoker/index.ts';
import { openKeptCode, openKeptPlaces } from '../../keeper/index.ts';
import { type JsonObject, mustRun, newActivationId, randomHex, silentLog } from '../../lib/index.ts';
import {
  type Learned,
  learnedProfile,
  openRecorder,
  operatorPolicy,
  readRecording,
} from '../../sandbox/index.ts';
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { removeAbandonedRecordings } from '../instance/abandoned.ts';
import type { ServerAccount } from '../instance/account.ts';
import { learnDir } from '../instance/instance-locks.ts';
import { mkdirFor } from '../processes/half-process.ts';
import type { HandGround } from './instance.ts';
import type { Prepared } from './keep.ts';
import { openHand } from './task.ts';

/** An action as the API shows it to its owner. */
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

/** Files of the command line, opened with root's rights. */
export interface LearnGiven {
  /** Descriptors by path. */
  readonly files: ReadonlyMap<string, number>;
  readonly env: NodeJS.ProcessEnv;
}

/** The tools of the other half. */
export interface Learning {
  /** Returns the descriptor of a named file. */
  file(path: string): number | undefined;
  /**
   * Runs the calls one after the other in one sandbox under the default profile.
   * @throws Fault RECORDING_FAILED; LEARNING_FAILED when a call fails, since its needs are then unknown
   */
  learn(request: LearnRequest): Promise<Learned>;
}

/** Runs as root. Resolves to the exit code. @throws Fault LEARNING_FAILED, RECORDING_FAILED */
export async function keepLearning(options: LearnOptions, { files, env }: LearnGiven): Promise<number> {
  const config = await loadConfig(options);
  const { runtime } = operatorPolicy(config.sandbox).defaults;
  if (runtime === 'runsc')
    throw serverFault('LEARNING_FAILED', 'under runsc the host can’t see the system calls of an action', {
      hint: 'learn on a server whose sandbox.runtime is crun or runc; the profile also works under gVisor',
    });
  const { keepByHand } = await import('./keep.ts');
  return await keepByHand(config, {
    ...{ runtime, env, asks: 'actions', descriptors: [...files.values()], prepare },
    // Descriptor 4 is the trace.
    task: { files: Object.fromEntries([...files.keys()].map((path, index) => [path, 5 + index])) },
  });
}

async function prepare({ instance, log }: HandGround, account: ServerAccount): Promise<Prepared> {
  await using stack = new AsyncDisposableStack();
  await removeAbandonedRecordings(log);
  const folder = join(learnDir, instance);
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await chmod(learnDir, 0o711);
  // Mounted in Ward's own namespace, so that other users of the machine can't reach the code.
  await mustRun(['mount', '-t', 'tmpfs', '-o', 'mode=711,nosuid,nodev', 'ward', folder]);
  stack.defer(async () => void (await mustRun(['umount', '--lazy', folder])));
  const [codeDir, laid] = [join(folder, 'code'), join(folder, 'laid')];
  await mkdirFor(codeDir, account);
  await mkdir(laid, { mode: 0o711 });
  const code = await openKeptCode(laid, account.uid);
  const recorder = stack.use(await openRecorder(instance));
  const opened = stack.move();
  return {
    ...{ code, descriptors: [recorder.trace], writable: [codeDir, laid], task: { trace: 4, codeDir } },
    begin: recorder.begin,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Runs in the other half. */
export async function openLearning(): Promise<Learning & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const hand = stack.use(await openHand());
  const { link, task, operator, host, images } = hand;
  const { config, codeDir = '', trace = -1, files = {} } = task;
  const recording = stack.use(readRecording(trace));
  const opened = stack.move();
  return {
    file: (path) => files[path],
    async learn(request) {
      const blobs = openBlobStore(codeDir);
      await blobs.put(request.code);
      const invoker = await createInvoker({
        ...config.invoker,
        ...{ host, images, blobs, operator },
        codePlaces: openKeptPlaces(link),
        kinds: runtimeKinds(),
        apiHost: () => config.apiHost ?? '',
        prewarm: [],
        // A frozen sandbox would not show what the program does between calls.
        freezeAfterMs: config.invoker.keepAliveMs,
        log: silentLog,
      });
      try {
        await runCalls(invoker, targetOf(request), request.calls);
      } finally {
        await invoker.close();
      }
      return learnedProfile(recording.numbers(), arch() === 'arm64' ? 'arm64' : 'x64');
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
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
    const { status, json } = (await invoker.run(job)).completion;
    if (status === 'success') continue;
    throw serverFault('LEARNING_FAILED', `call ${index + 1} ended with ${status}: ${json.slice(0, 300)}`, {
      hint: 'sample calls must succeed, so that Ward sees all that they need',
    });
  }
}
