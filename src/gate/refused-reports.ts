/** Keeps reports of refused pushes for as long as the policy says, so that the users who pushed can read them. */
import type { EvidenceSources } from './evidence.ts';
import { type Policy, rulesFor } from './policy/policy.ts';
import type { GateStore } from './store/types.ts';

export interface RefusedReportsOptions extends Pick<EvidenceSources, 'holds'> {
  readonly policy: () => Policy;
  readonly store: Pick<GateStore, 'refused' | 'forget'>;
}

const pageSize = 200;
const dayMs = 86_400_000;

/**
 * Applies the longest time of all namespaces. Content that the registry or the image store holds keeps its report.
 * @param now epoch milliseconds
 * @returns the number of dropped reports
 */
export async function forgetRefused(
  { policy, store, holds }: RefusedReportsOptions,
  now: number,
): Promise<number> {
  let count = 0;
  for (let page = await store.refused(undefined, pageSize); page.length > 0; ) {
    for (const push of page) {
      const { digest, namespaces, since } = push;
      const days = namespaces.map((each) => rulesFor(policy(), each, 'push').reports.refusedDays);
      const isOver = Date.parse(since) + Math.max(...days) * dayMs < now;
      if (!isOver || (await holds?.(digest)) === true) continue;
      await store.forget(push);
      count++;
    }
    page = await store.refused(page.at(-1)?.digest, pageSize);
  }
  return count;
}
