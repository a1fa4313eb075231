/**
 * Who is alive on this machine. Every Ward, and every command that makes sandboxes, holds the lock of its
 * instance from before it makes anything until all is gone; the kernel drops the lock however the process ends.
 * So an instance whose lock is free is nobody's, and what it left in /run and in cgroups is removed by the next
 * `ward up`, of whatever data folder. An instance without a lock file is not known here and left alone.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileLock, type Log, tryFileLock } from '../../lib/index.ts';
import { openSandboxHost, type RecoveryReport, type RuntimeName } from '../../sandbox/index.ts';

/** State of running sandboxes, of all Wards of the machine. */
export const runDir = '/run/ward';

/** Where an instance has roots mounted, below a folder that every user may search. */
export const mountsDirOf = (instance: string): string => join(runDir, 'roots', instance);

export const locksDir = join(runDir, 'locks');
/** Longer than it takes to remove what an instance with many sandboxes left. */
const patienceMs = 60_000;

/** Undefined when another process has it. */
export async function tryInstanceLock(instance: string): Promise<FileLock | undefined> {
  await mkdir(locksDir, { recursive: true });
  await chmod(locksDir, 0o700);
  return tryFileLock(join(locksDir, instance));
}

/** Held by `ward up` alone, so that a second one of the same data folder is told at once. */
export const tryUpLock = (instance: string): Promise<FileLock | undefined> =>
  tryInstanceLock(upLock(instance));

/** The same, waiting for a Ward that was told to stop; undefined when it is not free. */
export const waitForUpLock = (instance: string): Promise<FileLock | undefined> =>
  waitForLock(upLock(instance));

/** Its holder is the keeper of the Ward that runs. */
export const upLockFile = (instance: string): string => join(locksDir, upLock(instance));

/** The same as `tryInstanceLock`, waiting for a Ward that is just removing what this instance left; undefined when it is not free. */
export const waitForInstanceLock = (instance: string): Promise<FileLock | undefined> => waitForLock(instance);

function upLock(instance: string): string {
  return `up-${instance}`;
}

async function waitForLock(name: string): Promise<FileLock | undefined> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const lock = await tryInstanceLock(name);
    if (lock !== undefined || performance.now() > deadline) return lock;
    await sleep(20);
  }
}

/**
 * The sign that there may be something of an instance to be removed, for who makes anything of it before its sandbox host
 * does. Disposing of it takes the sign away, unless something is left.
 */
export async function announceInstance(instance: string): Promise<AsyncDisposable> {
  const folder = join(runDir, instance);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  return { [Symbol.asyncDispose]: () => rmdir(folder).catch(() => {}) };
}

/** Removes what instances left behind that are no longer there. What can't be removed is told, and stays. */
export async function removeAbandoned(runtime: RuntimeName, log: Log): Promise<void> {
  for (const instance of await readdir(locksDir).catch(() => [])) {
    if (!existsSync(join(runDir, instance))) continue;
    using lock = tryFileLock(join(locksDir, instance));
    if (!lock) continue;
    try {
      const report = await removeInstance(instance, runtime, log);
      log.warn({ instance, ...report }, 'removed what another instance left behind');
    } catch (error) {
      log.warn({ instance, err: error }, 'could not remove what another instance left behind');
    }
  }
}

async function removeInstance(instance: string, runtime: RuntimeName, log: Log): Promise<RecoveryReport> {
  await using host = await openSandboxHost({ instance, runDir, runtime, log });
  return await host.recover();
}
