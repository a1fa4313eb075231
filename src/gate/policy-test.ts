/** Tries another policy on the stored reports. It scans nothing and changes nothing. */
import type { Digest } from '../blobs/index.ts';
import type { Report } from '../scanner/index.ts';
import { type EvidenceSources, weigh } from './evidence.ts';
import { judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import type { Policy } from './policy/policy.ts';
import type { Stage } from './policy/rules-schema.ts';
import type { GateStore, Subject } from './store/types.ts';

/** A report, and the stages and namespaces to judge it for. */
export interface TestedReport {
  readonly kind: Subject['kind'];
  /** Undefined when the report does not name it. */
  readonly digest: Digest | undefined;
  readonly report: Report;
  readonly occasions: readonly { readonly stage: Stage; readonly namespace: string }[];
}

export interface PolicyChange {
  readonly name: string;
  readonly before: Verdict;
  readonly after: Verdict;
}

export interface PolicyTest {
  readonly judged: number;
  /** Verdicts whose outcome, or whose deciding rules, differ. */
  readonly changes: readonly PolicyChange[];
  /** Names of images that a policy wants signed and whose signers are unknown here. */
  readonly notKnown: readonly string[];
}

/** @param sources of the other evidence: signatures, bases, VEX */
export async function policyTest(
  before: Policy,
  after: Policy,
  reports: AsyncIterable<TestedReport> | Iterable<TestedReport>,
  sources: EvidenceSources,
  now: number,
): Promise<PolicyTest> {
  const changes: PolicyChange[] = [];
  const notKnown = new Set<string>();
  let judged = 0;
  for await (const { kind, digest, report, occasions } of reports) {
    const name = report.target.name;
    const judgedBy = async (policy: Policy): Promise<readonly Verdict[]> => {
      const weighed = await weigh(sources, { kind, digest }, policy, report);
      const { evidence, vexRevision } = weighed;
      const common = { ...evidence, kind, digest, report: weighed.report, vexRevision, now };
      const verdicts = occasions.map((occasion) => judge(policy, { ...common, ...occasion }));
      if (evidence.signatures === undefined && verdicts.some(wantsSignature)) notKnown.add(name);
      return verdicts;
    };
    const old = await judgedBy(before);
    const fresh = await judgedBy(after);
    judged += occasions.length;
    for (const [at, one] of old.entries()) {
      const other = fresh[at];
      if (other !== undefined && rulesOf(one) !== rulesOf(other))
        changes.push({ name, before: one, after: other });
    }
  }
  return { judged, changes, notKnown: [...notKnown] };
}

type ReportStore = Pick<GateStore, 'subjects' | 'report' | 'verdicts'>;

/** Yields every stored report, with the stages and namespaces of its verdicts. */
export async function* storedReports(store: ReportStore): AsyncGenerator<TestedReport> {
  let page = await store.subjects(undefined, pageSize);
  while (page.length > 0) {
    yield* reportsOf(store, page);
    page = await store.subjects(page.at(-1)?.digest, pageSize);
  }
}

/** Yields the stored reports of these subjects, likewise. */
export async function* reportsOf(
  store: Pick<ReportStore, 'report' | 'verdicts'>,
  subjects: readonly Subject[],
): AsyncGenerator<TestedReport> {
  for (const { digest } of subjects) {
    const stored = await store.report(digest);
    if (stored !== undefined)
      yield { ...stored.subject, report: stored.report, occasions: await store.verdicts(digest) };
  }
}

const pageSize = 25;

const signerRules: ReadonlySet<string> = new Set(['signatures', 'attestations', 'provenance']);

function wantsSignature({ reasons }: Verdict): boolean {
  return reasons.some(({ rule }) => signerRules.has(rule));
}

function rulesOf({ outcome, reasons }: Verdict): string {
  return [outcome, ...reasons.map((reason) => `${reason.outcome} ${reason.rule}`).sort()].join('\n');
}
