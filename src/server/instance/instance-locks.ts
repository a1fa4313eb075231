/**
 * Tells which instances are alive on this machine. Every Ward, and every command that makes sandboxes, holds the lock
 * of its instance from its first step until it has removed everything; the kernel drops the lock however the process
 * ends. So an instance with a free lock is dead, and the next `ward up`, with any data folder, removes its leftovers
 * in /run and in cgroups. An instance without a lock file is unknown and left alone.
 */
import { chmod, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileLock, tryFileLock } from '../../lib/index.ts';

/** State of running sandboxes, of all Wards of the machine. */
export const runDir = '/run/ward';

/** Folder for an instance's mounted roots, below a folder that every user can search. */
export const mountsDirOf = (instance: string): string => join(runDir, 'roots', instance);

/** Folder of mount points that show instances their files. */
export const shownDir = join(runDir, 'shown');

/** Folder of instances that record system calls. */
export const learnDir = join(runDir, 'learn');

export const locksDir = join(runDir, 'locks');
/** Longer than it takes to remove the leftovers of an instance with many sandboxes. */
const patienceMs = 60_000;

/** Undefined when another process holds it. */
export async function tryInstanceLock(instance: string): Promise<FileLock | undefined> {
  await mkdir(locksDir, { recursive: true });
  await chmod(locksDir, 0o700);
  return tryFileLock(join(locksDir, instance));
}

/** Held by `ward up` alone, so that a second one on the same data folder fails at once. */
export const tryUpLock = (instance: string): Promise<FileLock | undefined> =>
  tryInstanceLock(upLock(instance));

/**
 * Waits for a Ward that was told to stop; undefined when the lock does not become free.
 * @param drainMs how long its running calls may take
 */
export const waitForUpLock = (instance: string, drainMs: number): Promise<FileLock | undefined> =>
  waitForLock(upLock(instance), drainMs + patienceMs);

/** The keeper of the running Ward holds this lock. */
export const upLockFile = (instance: string): string => join(locksDir, upLock(instance));

/**
 * Like `tryInstanceLock`, but waits for a Ward that is removing this instance's leftovers; undefined when the lock
 * does not become free.
 */
export const waitForInstanceLock = (instance: string): Promise<FileLock | undefined> =>
  waitForLock(instance, patienceMs);

function upLock(instance: string): string {
  return `up-${instance}`;
}

async function waitForLock(name: string, forMs: number): Promise<FileLock | undefined> {
  const deadline = performance.now() + forMs;
  for (;;) {
    const lock = await tryInstanceLock(name);
    if (lock !== undefined || performance.now() > deadline) return lock;
    await sleep(20);
  }
}

/**
 * Announces possible leftovers of an instance, for code that creates any before its sandbox host does. Disposal
 * withdraws the announcement, unless something is left.
 */
export async function announceInstance(instance: string): Promise<AsyncDisposable> {
  const folder = join(runDir, instance);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  return { [Symbol.asyncDispose]: () => rmdir(folder).catch(() => {}) };
}
