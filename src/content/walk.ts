/** Goes through a long table a few rows at a time. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Rows that are read at once. */
export const stride = 500;

const shortestRestMs = 2;

/** Calls `visit` with its last result until it returns undefined, and rests as long as each call took. */
export async function walk<T>(
  { signal }: { readonly signal?: AbortSignal },
  visit: (last: T | undefined) => Promise<T | undefined>,
): Promise<void> {
  let last: T | undefined;
  do {
    if (signal?.aborted) return;
    const startedAt = performance.now();
    last = await visit(last);
    await sleep(Math.max(shortestRestMs, performance.now() - startedAt), undefined, { ref: false });
  } while (last !== undefined);
}
