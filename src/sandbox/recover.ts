/**
 * Removes what a killed Ward instance left behind: processes in its control groups, the groups, mounts below its
 * folder, bundles and runtime state. Touches only `/ward/<instance>` and the instance's folder; the caller guarantees
 * that no other process runs the same instance.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../lib/index.ts';
import type { CgroupTree } from './cgroup/types.ts';
import { readMounts } from './host/mounts.ts';
import type { RecoveryReport } from './types.ts';

/** @param instanceDir `<runDir>/<instance>`; it is emptied. */
export async function recoverInstance(cgroups: CgroupTree, instanceDir: string): Promise<RecoveryReport> {
  const ids = cgroups.ids();
  let processes = 0;
  for (const id of ids) {
    const group = cgroups.group(id);
    processes += group.pids().length;
    await group.kill();
    await group.remove();
  }
  // The last mount first.
  const mounts = readMounts()
    .map((mount) => mount.path)
    .filter((path) => path.startsWith(`${instanceDir}/`))
    .reverse();
  for (const path of mounts) await mustRun(['umount', path]);
  const bundles = await namesIn(join(instanceDir, 'bundles'));
  for (const name of await namesIn(instanceDir)) {
    await rm(join(instanceDir, name), { recursive: true, force: true });
  }
  return {
    sandboxes: new Set([...ids, ...bundles]).size,
    processes,
    cgroups: ids.length,
    mounts: mounts.length,
  };
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
