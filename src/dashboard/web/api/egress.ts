/** What functions reached over the network, and what was refused to them. */
import { call } from './client.ts';

export interface EgressTarget {
  readonly namespace: string;
  /** Null: of all that the namespace has no rows left for. */
  readonly action: string | null;
  /** Null: what is not told apart. */
  readonly target: string | null;
  readonly port: number;
  readonly protocol: string;
  /** Null: it was not refused. */
  readonly refusal: string | null;
  readonly calls: number;
  readonly attempts: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly lastAt: number;
  readonly lastActivationId: string;
}

export interface EgressTargets {
  readonly targets: readonly EgressTarget[];
  readonly next: string | null;
}

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
