/**
 * Privileged work on this machine, before Ward serves: it creates the instance and a host for sandboxes, and removes
 * leftovers of earlier runs.
 */
import type { Hello } from '../../keeper/index.ts';
import type { Log } from '../../lib/index.ts';
import {
  type LocalSandboxHost,
  type OperatorPolicy,
  openSandboxHost,
  takePrecedence,
  type ViolationSink,
} from '../../sandbox/index.ts';
import type { Config } from '../config/config.ts';
import { removeAbandoned } from './abandoned.ts';
import { claimInstance } from './instance.ts';
import { announceInstance, runDir } from './instance-locks.ts';

export interface Ground extends AsyncDisposable {
  /** The data folder's path without links. */
  readonly dataDir: string;
  readonly instance: string;
  readonly host: LocalSandboxHost;
  /** Kinds of precedence over its sandboxes that the host refuses to Ward; Ward runs without them. */
  readonly refused: readonly string[];
}

interface GroundOptions {
  readonly operator: OperatorPolicy;
  /** The user that may connect to sandboxes' ports; absent: root. */
  readonly userId?: number;
  /** How long calls of the Ward that holds the data folder may take; it was told to stop. Absent: none may hold it. */
  readonly leaverDrainMs?: number;
  readonly onViolation: ViolationSink;
  /** Called with the number of ended sandboxes that could not be removed yet. */
  readonly onLeftBehind?: (count: number) => void;
  readonly log: Log;
}

/** @throws Fault DATA_DIR_INVALID, DATA_DIR_BUSY, and Faults of the sandbox room */
export async function openGround(
  config: Pick<Config, 'dataDir'>,
  { operator, userId, leaverDrainMs, onViolation, onLeftBehind, log }: GroundOptions,
): Promise<Ground> {
  await using stack = new AsyncDisposableStack();
  const { dataDir, instance } = stack.use(await claimInstance(config.dataDir, leaverDrainMs));
  stack.use(await announceInstance(instance));
  const { refused } = stack.use(await takePrecedence(instance));
  const { runtime } = operator.defaults;
  const user = userId === undefined ? {} : { userId };
  const host = stack.use(
    await openSandboxHost({
      ...{ instance, runDir, runtime, log, onViolation, onLeftBehind },
      ...user,
    }),
  );
  await host.checkPolicy(operator.defaults);
  const recovered = await host.recover();
  if (recovered.sandboxes > 0) log.warn(recovered, 'removed leftovers of an earlier run');
  await removeAbandoned(runtime, log);
  const opened = stack.move();
  return { dataDir, instance, host, refused, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The keeper's first line. */
export function helloOf(
  { instance, host }: Pick<Ground, 'instance' | 'host'>,
  { door, ...rest }: Omit<Hello, 'instance' | 'cgroup' | 'hearsKernel'>,
): Hello {
  const { controllers, ...cgroup } = host.features.cgroup;
  return {
    door: { path: door.path, secret: door.secret },
    instance,
    cgroup: { ...cgroup, controllers: [...controllers] },
    hearsKernel: host.hearsKernel,
    ...rest,
  };
}
