/** Instances of commands that make sandboxes without a server: a name of their own, images, and clean-up. */
import { type ImageStore, openImageStore } from '../../images/index.ts';
import { createLog, type FileLock, type Log } from '../../lib/index.ts';
import {
  type LocalSandboxHost,
  openSandboxHost,
  type RuntimeName,
  type ViolationSink,
} from '../../sandbox/index.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { mountsDirOf, runDir, tryInstanceLock } from '../instance/instance-locks.ts';

export interface HandGround extends AsyncDisposable {
  readonly host: LocalSandboxHost;
  /** The host's own name, unique on the machine. */
  readonly instance: string;
  /** Folder for its mounted roots. */
  readonly mountsDir: string;
  readonly log: Log;
}

interface HandGroundOptions {
  readonly runtime: RuntimeName;
  readonly onViolation?: ViolationSink;
  /** The user that may connect to sandboxes' ports; absent: root. */
  readonly userId?: number;
}

/** Names are few and reused: a command that takes a name removes the leftovers of its last holder. */
const maxRuns = 256;

/** @throws Fault TOO_MANY_RUNS, and those of the sandbox room */
export async function openHandGround(
  { logLevel }: Pick<Config, 'logLevel'>,
  options: HandGroundOptions,
): Promise<HandGround> {
  await using stack = new AsyncDisposableStack();
  const { name: instance, lock } = await claimRunInstance();
  stack.defer(() => lock.release());
  const log = createLog(logLevel === 'info' ? 'warn' : logLevel);
  const host = stack.use(await openSandboxHost({ instance, runDir, log, ...options }));
  await host.recover();
  const opened = stack.move();
  return {
    ...{ host, instance, log, mountsDir: mountsDirOf(instance) },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The instance of a command with a single process. */
interface ByHand extends HandGround {
  readonly images: ImageStore;
}

/** @throws Fault TOO_MANY_RUNS, and those of the sandbox and image rooms */
export async function openByHand(config: Config, runtime: RuntimeName): Promise<ByHand> {
  await using stack = new AsyncDisposableStack();
  const ground = stack.use(await openHandGround(config, { runtime }));
  const { mountsDir } = ground;
  const images = stack.use(await openImageStore({ dir: config.imagesDir, mountsDir }));
  const opened = stack.move();
  return { ...ground, images, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

interface RunInstance {
  readonly name: string;
  readonly lock: FileLock;
}

async function claimRunInstance(): Promise<RunInstance> {
  for (let number = 0; number < maxRuns; number++) {
    const name = `run-${number}`;
    const lock = await tryInstanceLock(name);
    if (lock) return { name, lock };
  }
  throw serverFault('TOO_MANY_RUNS', `${maxRuns} commands with sandboxes are already running`, {
    hint: 'end some of them first',
  });
}
