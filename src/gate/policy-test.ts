/** What another policy would say of what is stored: nothing is scanned, nothing is changed. */

import type { Evidence } from './evidence.ts';
import { type Case, judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import { defaultPolicy, type Policy } from './policy/policy.ts';
import type { GateStore, Subject } from './store/gate-store.ts';

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

/**
 * All that the store has verdicts of, as they would be judged now.
 * @param evidence who signed it and on what it stands; without it images count as unsigned and without a base
 */
export async function* storedCases(
  store: Pick<GateStore, 'subjects' | 'report' | 'verdicts'>,
  now: number,
  evidence?: (subject: Subject) => Promise<Evidence>,
): AsyncGenerator<Case> {
  let page = store.subjects(undefined, pageSize);
  while (page.length > 0) {
    for (const subject of page) {
      const stored = await store.report(subject.digest);
      const known = await evidence?.(subject);
      for (const { stage, namespace } of store.verdicts(subject.digest)) {
        yield { ...known, ...subject, stage, namespace, report: stored?.report, now };
      }
    }
    page = store.subjects(page.at(-1)?.digest, pageSize);
  }
}

const pageSize = 25;

function rulesOf({ outcome, reasons }: Verdict): string {
  return [outcome, ...reasons.map((reason) => `${reason.outcome} ${reason.rule}`).sort()].join('\n');
}
