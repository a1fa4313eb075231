/** Whether the advisories are there and fresh, for those who look after a Ward: without them no scan finds a vulnerability. */
import { type Policy, rulesFor } from '../../gate/index.ts';
import type { AdvisoryState } from '../../scanner/index.ts';
import { guest } from '../first-namespace.ts';

export interface AdvisoriesAge {
  readonly count: number;
  /** Age of the newest of them, as the policy counts; undefined when there are none, or when they have no time. */
  readonly ageSeconds: number | undefined;
  /** The problem with that, and what to do; undefined when all is well. */
  readonly warning: string | undefined;
}

const daySeconds = 86_400;
const remedy = 'get them with ward advisories update, or ward advisories import FILE';

/** @param policy its `maxAgeDays` is what counts as old; a policy that allows it is still told of it here */
export function advisoriesAge(
  state: AdvisoryState | undefined,
  policy: Policy,
  now = Date.now(),
): AdvisoriesAge {
  const count = state?.count ?? 0;
  if (count === 0) {
    const warning = `there are no advisories, so that no scan finds a vulnerability: ${remedy}`;
    return { count, ageSeconds: undefined, warning };
  }
  const age = (now - Date.parse(state?.updatedAt ?? '')) / 1000;
  const ageSeconds = Number.isNaN(age) ? undefined : Math.max(0, Math.round(age));
  const { maxAgeDays } = rulesFor(policy, guest, 'deploy').advisories;
  if (ageSeconds !== undefined && ageSeconds <= maxAgeDays * daySeconds)
    return { count, ageSeconds, warning: undefined };
  const old = ageSeconds === undefined ? 'of unknown age' : `${Math.floor(ageSeconds / daySeconds)} days old`;
  return {
    count,
    ageSeconds,
    warning: `the advisories are ${old}, where ${maxAgeDays} days may be: ${remedy}`,
  };
}
