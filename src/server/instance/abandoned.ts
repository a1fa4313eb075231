/**
 * Removes what dead Wards and commands have left in /run and in control groups. A dead one is an instance whose lock is free; the
 * lock is held meanwhile, so its next start waits. What has no lock file is unknown, and stays.
 */
import { existsSync } from 'node:fs';
import { lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Log, messageOf, tryFileLock } from '../../lib/index.ts';
import {
  instancesWithOwnGroup,
  openSandboxHost,
  type RecoveryReport,
  type RuntimeName,
  readMounts,
  removeRecording,
  removeUnusedGroups,
} from '../../sandbox/index.ts';
import { learnDir, locksDir, runDir, shownDir } from './instance-locks.ts';

/** What can't be removed is logged, and stays. */
export async function removeAbandoned(runtime: RuntimeName, log: Log): Promise<void> {
  const known = new Set(await namesIn(locksDir));
  const shown = new Set(await namesIn(shownDir));
  const grouped = new Set(instancesWithOwnGroup());
  for (const instance of known) {
    const isAnnounced = existsSync(join(runDir, instance));
    if (!isAnnounced && !shown.has(instance) && !grouped.has(instance)) continue;
    using lock = tryFileLock(join(locksDir, instance));
    if (!lock) continue;
    try {
      if (isAnnounced) {
        const report = await removeInstance(instance, runtime, log);
        log.warn({ instance, ...report }, 'removed leftovers of another instance');
      }
      removeUnusedGroups(instance);
      await removeMountPoints(join(shownDir, instance));
    } catch (error) {
      log.warn({ instance, reason: messageOf(error) }, 'could not remove leftovers of another instance');
    }
  }
  await removeAbandonedRecordings(log);
}

/** Removes recordings of system calls whose `ward sandbox learn` was killed. What can't be removed is logged, and stays. */
export async function removeAbandonedRecordings(log: Log): Promise<void> {
  for (const instance of await namesIn(learnDir)) {
    using lock = tryFileLock(join(locksDir, instance));
    if (!lock) continue;
    try {
      await removeRecording(instance);
      await rm(join(learnDir, instance), { recursive: true });
    } catch (error) {
      log.warn({ instance, reason: messageOf(error) }, 'could not remove a recording of another instance');
    }
  }
}

/**
 * Removes mount points, which are empty folders and empty files, and nothing else. Only root can write where they are; nevertheless it
 * follows no link, and enters nothing that is mounted.
 */
export async function removeMountPoints(folder: string): Promise<void> {
  if (readMounts().some(({ path }) => `${path}/`.startsWith(`${folder}/`))) return;
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isFile() && found.size === 0) await unlink(folder);
  if (!found?.isDirectory()) return;
  for (const name of await readdir(folder)) await removeMountPoints(join(folder, name));
  // Not when something was left in it.
  await rmdir(folder).catch(() => {});
}

async function removeInstance(instance: string, runtime: RuntimeName, log: Log): Promise<RecoveryReport> {
  await using host = await openSandboxHost({ instance, runDir, runtime, log });
  return await host.recover();
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}
