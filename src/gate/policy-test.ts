/** What another policy would say of what is stored: nothing is scanned, nothing is changed. */
import { type Case, judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import { defaultPolicy, type Policy } from './policy/policy.ts';

export interface PolicyChange {
  readonly name: string;
  readonly before: Verdict;
  readonly after: Verdict;
}

export interface PolicyTest {
  readonly judged: number;
  /** Where the outcome or the rules that decide it differ. */
  readonly changes: readonly PolicyChange[];
}

/** @param before undefined: Ward's own */
export async function policyTest(
  before: Policy | undefined,
  after: Policy,
  cases: AsyncIterable<Case> | Iterable<Case>,
): Promise<PolicyTest> {
  const old = before ?? defaultPolicy();
  const changes: PolicyChange[] = [];
  let judged = 0;
  for await (const each of cases) {
    judged++;
    const change = { before: judge(old, each), after: judge(after, each) };
    if (rulesOf(change.before) === rulesOf(change.after)) continue;
    changes.push({ name: each.report?.target.name ?? each.digest ?? '', ...change });
  }
  return { judged, changes };
}

function rulesOf({ outcome, reasons }: Verdict): string {
  return [outcome, ...reasons.map((reason) => `${reason.outcome} ${reason.rule}`).sort()].join('\n');
}
