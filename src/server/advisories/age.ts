/** Warns operators about missing and old advisories: without advisories no scan finds a vulnerability. */
import { type Policy, rulesFor } from '../../gate/index.ts';
import type { AdvisoryState } from '../../scanner/index.ts';
import { guest } from '../first-namespace.ts';
import type { LastUpdate } from './last-update.ts';

export interface AdvisoriesAge {
  readonly count: number;
  /** Age of the newest advisory, as the policy computes it; undefined without advisories, or when they have no time. */
  readonly ageSeconds: number | undefined;
  /** Time since the oldest check of a source (fetched, or found unchanged); undefined without sources. */
  readonly checkedSeconds: number | undefined;
  /** Names of sources that failed at the last update of all sources. */
  readonly failed: readonly string[];
  /** Whether the other nodes of the cluster have later ones. */
  readonly isBehind: boolean;
  /** The problem, and what to do; undefined when all is well. */
  readonly warning: string | undefined;
}

const daySeconds = 86_400;
const remedy = 'get them with ward advisories update, or ward advisories import FILE';

interface Circumstances {
  /** Outcome of the last update of all sources. */
  readonly last?: LastUpdate | undefined;
  /** Undefined: nodes share none. */
  readonly shared?: { readonly isBehind: boolean; readonly problem: string | undefined } | undefined;
  /** Epoch milliseconds. */
  readonly now?: number;
}

/** @param policy its `maxAgeDays` decides what is old; the warning comes even if the policy allows old advisories */
export function advisoriesAge(
  state: AdvisoryState | undefined,
  policy: Policy,
  { last, shared, now = Date.now() }: Circumstances,
): AdvisoriesAge {
  const count = state?.count ?? 0;
  const ages = {
    count,
    ageSeconds: count === 0 ? undefined : secondsSince(state?.updatedAt, now),
    checkedSeconds: count === 0 ? undefined : secondsSince(state?.checkedAt, now),
    failed: last?.failed ?? [],
    isBehind: shared?.isBehind ?? false,
  };
  const differs = shared?.problem && `nodes go by different advisories: ${shared.problem}`;
  const problems = [oldOrNone(ages, policy), failure(last), differs].filter((each) => each !== undefined);
  return { ...ages, warning: problems.length === 0 ? undefined : problems.join('; ') };
}

function oldOrNone(
  { count, ageSeconds }: Pick<AdvisoriesAge, 'count' | 'ageSeconds'>,
  policy: Policy,
): string | undefined {
  if (count === 0) return `there are no advisories, so scans find no vulnerabilities: ${remedy}`;
  const { maxAgeDays } = rulesFor(policy, guest, 'deploy').advisories;
  if (ageSeconds !== undefined && ageSeconds <= maxAgeDays * daySeconds) return undefined;
  const old = ageSeconds === undefined ? 'of unknown age' : `${Math.floor(ageSeconds / daySeconds)} days old`;
  return `the advisories are ${old}, and the policy allows ${maxAgeDays} days: ${remedy}`;
}

const mostNamed = 5;

function failure(last: LastUpdate | undefined): string | undefined {
  if (last === undefined) return undefined;
  const { reason, failed, endedAt } = last;
  const head = `their last update, at ${endedAt.slice(0, 16)}Z, failed`;
  // A colon leads to lines that are left out here.
  const why = reason?.split('\n')[0]?.slice(0, 300).replace(/:$/, '');
  if (why !== undefined) return `${head}: ${why}`;
  if (failed.length === 0) return undefined;
  const more = failed.length > mostNamed ? ` and ${failed.length - mostNamed} more` : '';
  return `${head} for ${failed.slice(0, mostNamed).join(', ')}${more}`;
}

function secondsSince(time: string | undefined, now: number): number | undefined {
  const age = (now - Date.parse(time ?? '')) / 1000;
  return Number.isNaN(age) ? undefined : Math.max(0, Math.round(age));
}
