/** Judges one stored report with the current advisories, policy and time. */
import type { Digest } from '../blobs/index.ts';
import type { Report, Scanner } from '../scanner/index.ts';
import { changeBetween, type GateEvent } from './changes.ts';
import { type EvidenceSources, weigh } from './evidence.ts';
import { judge } from './judge/judge.ts';
import type { Verdict } from './judge/verdict.ts';
import type { Policy } from './policy/policy.ts';
import type { Stage } from './policy/rules-schema.ts';
import type { AuditDraft } from './store/audit-entry.ts';
import type { GateStore, PackedFindings, Subject } from './store/types.ts';

export interface JudgeAnewOptions extends EvidenceSources {
  readonly policy: () => Policy;
  readonly store: GateStore;
  readonly scanner: Pick<Scanner, 'rejudge'>;
  readonly reportAt?: (subject: Subject) => string | undefined;
  readonly clock: () => number;
}

/** What judging one subject produces. */
export interface Judged {
  readonly verdicts: readonly (Verdict & { readonly digest: Digest })[];
  readonly audit: readonly AuditDraft[];
  readonly findings: readonly PackedFindings[];
  readonly events: readonly GateEvent[];
}

const actor = 'rejudging';

/** Makes all verdicts of the subject again, and the one for calls in `namespace`. Makes none if there is no report. */
export async function judgeAnew(
  options: JudgeAnewOptions,
  subject: Subject,
  namespace?: string,
): Promise<Judged> {
  const { store, scanner, clock } = options;
  const nothing = { verdicts: [], audit: [], findings: [], events: [] };
  const stored = await store.report(subject.digest);
  if (stored === undefined) return nothing;
  const report = await scanner.rejudge(stored.report);
  const policy = options.policy();
  const weighed = await weigh(options, subject, policy, report);
  const known = await store.verdicts(subject.digest);
  const common = {
    ...weighed.evidence,
    ...subject,
    report: weighed.report,
    vexRevision: weighed.vexRevision,
    reportAt: options.reportAt?.(subject),
    now: clock(),
  };
  const pairs = known.map((before) => ({ stage: before.stage, namespace: before.namespace, before }));
  const isKnown = pairs.some((each) => each.stage === 'run' && each.namespace === namespace);
  const asked: readonly Pair[] =
    namespace === undefined || isKnown ? pairs : [...pairs, { stage: 'run', namespace, before: undefined }];
  const judged = asked.map((pair) => ({
    before: pair.before,
    after: { ...judge(policy, { ...common, ...pair }), digest: subject.digest },
  }));
  const compared = judged.map((each) => ({
    ...each,
    change: each.before === undefined ? undefined : changeBetween(each.before, each.after),
  }));
  // With changed advisories the report must be written anyway, and a comparison costs as much as the write.
  const isSame =
    report.advisories?.revision === stored.report.advisories?.revision &&
    report.rules?.revision === stored.report.rules?.revision &&
    JSON.stringify(report.findings) === JSON.stringify(stored.report.findings);
  return {
    verdicts: judged.map(({ after }) => after),
    audit: compared.flatMap(({ after, change }) =>
      change === undefined ? [] : [auditOf(after, change, report)],
    ),
    findings: isSame ? [] : [await packed(store, stored.report, report, subject.digest)],
    events: compared.flatMap(({ after, change }) =>
      change === undefined || after.stage !== 'run' ? [] : [change],
    ),
  };
}

interface Pair {
  readonly stage: Stage;
  readonly namespace: string;
  readonly before: Verdict | undefined;
}

/** Keeps the time of the scan, which tells a newer scan from a new judgement. */
function packed(store: GateStore, before: Report, after: Report, digest: Digest): Promise<PackedFindings> {
  return store.packFindings({ ...after, scannedAt: before.scannedAt }, digest);
}

function auditOf(
  verdict: Verdict & { readonly digest: Digest },
  { type }: GateEvent,
  { target }: Report,
): AuditDraft {
  const { digest, stage, namespace, outcome, summary, policyRevision, advisoryRevision, judgedAt } = verdict;
  const revisions = { policyRevision, advisoryRevision };
  const entry = { digest, stage, namespace, outcome, summary, name: target.name };
  return { time: judgedAt, event: type, actor, ...entry, ...revisions };
}
