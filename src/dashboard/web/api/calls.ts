/** Calls that have not ended. */
import type { CallsPage } from '../../../answers/index.ts';
import { call, inNamespace } from './client.ts';
import type { RunFilter } from './runs.ts';
import { serverNow } from './server-clock.ts';

/** Calls as they were counted: those that come later are not among them. */
export interface CountedCalls {
  readonly filter: Omit<RunFilter, 'failed'>;
  readonly total: number;
  /** Epoch milliseconds. */
  readonly countedAt: number;
}

const path = inNamespace('/ward/v1', 'calls');

export async function countCalls(filter: CountedCalls['filter'], signal: AbortSignal): Promise<CountedCalls> {
  const countedAt = serverNow();
  const { total } = await page({ filter, countedAt }, signal);
  return { filter, total, countedAt };
}

/** Returns how many were cancelled: others may have ended by themselves. */
export async function cancelCounted(counted: CountedCalls): Promise<number> {
  let cancelled = 0;
  for (let left = counted.total; left > 0; ) {
    const { calls } = await page(counted);
    if (calls.length === 0) break;
    cancelled += await cancelCalls(calls.map(({ activationId }) => activationId));
    left -= calls.length;
  }
  return cancelled;
}

/** Returns how many had not ended. */
export async function cancelCalls(activationIds: readonly string[]): Promise<number> {
  const answer = await call<{ readonly cancelled: readonly string[] }>('POST', `${path}/cancel`, {
    body: { activationIds },
  });
  return answer.cancelled.length;
}

function page(
  { filter: { name, since }, countedAt }: Omit<CountedCalls, 'total'>,
  signal?: AbortSignal,
): Promise<CallsPage> {
  const query = new URLSearchParams({ upto: String(countedAt), limit: '200' });
  if (name !== '') query.set('name', name);
  if (since !== undefined) query.set('since', String(since));
  return call('GET', `${path}?${query}`, { ...(signal && { signal }) });
}
