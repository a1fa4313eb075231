/**
 * Reads and writes control files. They live in kernel memory, so a synchronous call takes microseconds and spares a
 * trip through the thread pool. Making and removing groups is asynchronous: the kernel has one lock for these and for
 * moving processes, and may hold it for 30 ms (`cgroup_mutex` while it waits for a grace period of RCU). A group may
 * vanish at any moment: absence is an answer, not an error.
 */
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { chown, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../lib/index.ts';

const gone = new Set(['ENOENT', 'ENODEV']);

/** The file's text, or '' when the group is gone or has no such file. */
export function readControl(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (gone.has(errnoOf(error) ?? '')) return '';
    throw error;
  }
}

/** Writes a value; returns false when the group is gone or has no such file. */
export function writeControl(file: string, value: string): boolean {
  let descriptor: number | undefined;
  try {
    // Without O_CREAT: when a control file does not exist, the group is gone.
    descriptor = openSync(file, constants.O_WRONLY);
    writeSync(descriptor, value);
    return true;
  } catch (error) {
    if (gone.has(errnoOf(error) ?? '')) return false;
    throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

export function readNumber(file: string): number {
  const value = Number.parseInt(readControl(file), 10);
  return Number.isSafeInteger(value) ? value : 0;
}

/** The number after `key` in a flat keyed file (`oom_kill 3`). */
export function readKeyed(file: string, key: string): number {
  const line = readControl(file)
    .split('\n')
    .find((text) => text.startsWith(`${key} `));
  return line === undefined ? 0 : Number.parseInt(line.slice(key.length + 1), 10);
}

/** The process ids in a group and below it, as this process's pid namespace numbers them. */
export function readPids(folder: string): number[] {
  const own = readControl(join(folder, 'cgroup.procs')).split('\n').map(Number);
  return [
    ...own.filter((pid) => pid > 0),
    ...childGroups(folder).flatMap((name) => readPids(join(folder, name))),
  ];
}

/** Moves a process into a group; does nothing when either is gone. */
export function addPid(folder: string, pid: number): void {
  try {
    writeControl(join(folder, 'cgroup.procs'), String(pid));
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/**
 * Gives control files to a user; skips those that don't exist.
 * @returns whether all of `needed` exist: a runtime may still have to make its groups
 */
export async function lendFiles(
  needed: readonly string[],
  more: readonly string[],
  userId: number,
): Promise<boolean> {
  const isThere = (file: string) =>
    chown(file, userId, 0).then(
      () => true,
      (error: unknown) => {
        if (!gone.has(errnoOf(error) ?? '')) throw error;
        return false;
      },
    );
  const found = await Promise.all(needed.map(isThere));
  await Promise.all(more.map(isThere));
  return !found.includes(false);
}

export function childGroups(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (gone.has(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

/** Makes a group at the start. Tries twice, because another Ward may remove an empty `/ward` between two steps. */
export function makeGroup(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    mkdirSync(folder, { recursive: true });
  }
}

/** Makes a group in an existing one. */
export async function addGroup(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
}

/** Removes a group and all groups below it; waits while the kernel still counts dead processes. */
export async function removeGroup(folder: string, patienceMs = 2000): Promise<void> {
  for (const name of childGroups(folder)) await removeGroup(join(folder, name), patienceMs);
  await retryBusy(() => rmdir(folder), patienceMs);
}

/** Removes a group that other Wards may share, unless it is in use. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (!gone.has(code) && code !== 'EBUSY' && code !== 'ENOTEMPTY') throw error;
  }
}

/** Polls until `isDone`, with pauses that grow from 1 to 16 ms. Returns false when the time is over. */
export async function until(isDone: () => boolean, patienceMs: number): Promise<boolean> {
  const end = performance.now() + patienceMs;
  for (let pauseMs = 1; !isDone(); pauseMs = Math.min(16, pauseMs * 2)) {
    if (performance.now() > end) return false;
    await sleep(pauseMs);
  }
  return true;
}

async function retryBusy(action: () => Promise<void>, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(16, pauseMs * 2)) {
    try {
      await action();
      return;
    } catch (error) {
      const code = errnoOf(error) ?? '';
      if (gone.has(code)) return;
      if (code !== 'EBUSY' || performance.now() > end) throw error;
    }
    await sleep(pauseMs);
  }
}
