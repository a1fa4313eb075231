/** What functions reached over the network, and what was refused to them. */
import type { EgressTarget, EgressTargets } from '../../../answers/index.ts';
import { call } from './client.ts';

const pageSize = 200;
/** A page that shows more than this is of no use. */
const mostShown = 1000;
/** A list makes at most this many requests, because a rare target can be far down. */
const mostRounds = 20;

/** @param path of the route. @throws ApiError */
export async function readTargets(
  path: string,
  filter: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<EgressTargets> {
  const targets: EgressTarget[] = [];
  const query = new URLSearchParams({ ...filter, limit: String(pageSize) });
  let next: string | null = null;
  for (let round = 0; round < mostRounds && targets.length < mostShown; round++) {
    if (next !== null) query.set('after', next);
    const page: EgressTargets = await call('GET', `${path}?${query}`, { signal });
    targets.push(...page.targets);
    next = page.next;
    if (next === null) break;
  }
  return { targets, next };
}
