/**
 * One command at a time changes the settings file and the login beside it. Issuers that replace the refresh token at each
 * renewal end a login whose earlier token comes again, so two commands must not renew at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileLock, messageOf, tryFileLock } from '../lib/index.ts';
import { cliFault } from './faults.ts';

interface Waiting {
  /** Called when another command has the lock. */
  readonly onWait?: () => void;
  readonly waitMs?: number;
}

/** Longer than an issuer that answers slowly, and short enough for someone who waits. */
const usualWaitMs = 30_000;
const retryMs = 50;

/**
 * The lock ends with the process, however it ends (`lib/file-lock.ts`).
 * @param wskprops the settings file
 * @throws Fault LOGIN_BUSY, FILE_NOT_WRITTEN
 */
export async function lockSettings(
  wskprops: string,
  { onWait, waitMs = usualWaitMs }: Waiting = {},
): Promise<FileLock> {
  const deadline = performance.now() + waitMs;
  const first = take(wskprops);
  if (first !== undefined) return first;
  onWait?.();
  while (performance.now() < deadline) {
    await sleep(retryMs);
    const lock = take(wskprops);
    if (lock !== undefined) return lock;
  }
  throw cliFault('LOGIN_BUSY', `another command has changed ${wskprops} for more than ${waitMs / 1000} s`, {
    hint: 'wait for it, or end it',
  });
}

function take(wskprops: string): FileLock | undefined {
  const path = `${wskprops}.lock`;
  try {
    return tryFileLock(path);
  } catch (cause) {
    throw cliFault('FILE_NOT_WRITTEN', `${path} can't be locked: ${messageOf(cause)}`, { cause });
  }
}
