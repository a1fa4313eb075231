/** Waits for a lock on a file; the lock itself ends with its process (`lib/file-lock.ts`). */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FileLock, tryFileLock } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';

const retryMs = 10;

/** Takes the lock at `path`; waits at most `waitMs`. @throws Fault IMAGE_STORE_BUSY */
export async function lockFile(path: string, waitMs: number, signal?: AbortSignal): Promise<FileLock> {
  await mkdir(dirname(path), { recursive: true });
  const deadline = performance.now() + waitMs;
  for (;;) {
    const lock = tryFileLock(path);
    if (lock !== undefined) return lock;
    if (performance.now() > deadline) {
      throw imageFault('IMAGE_STORE_BUSY', `another process holds ${path}`, {
        hint: 'Wait for the other build to end and try again.',
      });
    }
    await sleep(retryMs, undefined, signal === undefined ? {} : { signal });
  }
}
