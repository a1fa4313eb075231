/** The resources of the host that one sandbox occupies, while it is made and until it is removed. */
import { rm } from 'node:fs/promises';
import type { WayOut } from '../egress/index.ts';
import { type Log, messageOf, runCommand } from '../lib/index.ts';
import type { Cgroup } from './cgroup/types.ts';
import type { DeviceFolder } from './device-folders.ts';
import type { RuntimeFeatures } from './host/features.ts';
import type { Confined } from './lsm/denial-watch.ts';
import { runtimeDrivers } from './runtime/drivers.ts';
import type { RunPaths } from './runtime/types.ts';
import { runtimeEnv } from './runtime-process.ts';
import type { IdRange } from './uid-ranges.ts';

export interface Occupied {
  readonly runtime: RuntimeFeatures;
  readonly paths: RunPaths;
  readonly range: IdRange;
  readonly cgroup: Cgroup;
  wayOut: WayOut | undefined;
  devices: DeviceFolder | undefined;
  /** The names by which an LSM knows it. */
  confinement: Pick<Confined, 'profile' | 'label'>;
}

/** The state at the beginning, with the resources that every sandbox gets first. */
export function occupying(first: Pick<Occupied, 'runtime' | 'paths' | 'range' | 'cgroup'>): Occupied {
  const confinement = { profile: undefined, label: undefined };
  return { ...first, wayOut: undefined, devices: undefined, confinement };
}

/** Gives everything back, also when the sandbox did not get all of it. May be called again after it has failed. */
export async function vacate(occupied: Occupied, log: Log): Promise<void> {
  const { runtime, paths, range, cgroup, wayOut, devices } = occupied;
  await cgroup.kill();
  // Starting a program delays everything else, so Ward starts the runtime only where it must.
  const state = runtimeDrivers[runtime.name].stateOf(paths);
  if (state === undefined) await deleteByRuntime(runtime, paths, log);
  else await rm(state, { recursive: true, force: true });
  await cgroup.remove();
  await wayOut?.close();
  await rm(paths.bundleDir, { recursive: true, force: true });
  devices?.release();
  range.release();
}

/** The exit code says nothing: the runtime fails when it never made the sandbox. */
async function deleteByRuntime(runtime: RuntimeFeatures, paths: RunPaths, log: Log): Promise<void> {
  const argv = runtimeDrivers[runtime.name].deleteArgv(runtime, paths);
  await runCommand(argv, { env: runtimeEnv, timeoutMs: 20_000 }).catch((error: unknown) =>
    log.warn({ sandbox: paths.id, error: messageOf(error) }, 'the runtime could not clean up'),
  );
}
