/**
 * Makes the verdict: a pure function of the findings, the evidence of who made the subject, the policy, and the time. Rules
 * only add reasons, so no rule cancels another.
 */
import type { Digest } from '../../blobs/index.ts';
import type { Finding, Report, severities } from '../../scanner/index.ts';
import { counted } from '../plain-text.ts';
import { type Policy, rulesFor } from '../policy/policy.ts';
import type { Action, Rules, Stage } from '../policy/rules-schema.ts';
import type { VerifiedSignature } from '../trust/signatures.ts';
import type { KnownBase } from './bases.ts';
import { advisoryReasons, baseReasons, distributionReasons, gapReasons } from './circumstances.ts';
import { type Sifted, sift } from './ignores.ts';
import { plainReason, reasonFor } from './reasons.ts';
import {
  attestationReasons,
  type KnownAttestation,
  provenanceReasons,
  signatureReasons,
  vouchersOf,
} from './signers.ts';
import { summarise } from './summary.ts';
import type { Counts, Reason, Verdict } from './verdict.ts';
import { vulnerabilityReasons } from './vulnerabilities.ts';

/** What is judged. */
export interface Case {
  readonly stage: Stage;
  readonly namespace: string;
  readonly kind: 'image' | 'artifact' | 'code';
  readonly digest?: Digest | undefined;
  /** Undefined when there is none. */
  readonly report: Report | undefined;
  /** Valid signatures of the image. Undefined when its signers are unknown. */
  readonly signatures?: readonly VerifiedSignature[] | undefined;
  /** Valid attestations about the image. Undefined when they are unknown. */
  readonly attestations?: readonly KnownAttestation[] | undefined;
  /** All known bases, whether the image stands on them or not. Undefined when they are unknown. */
  readonly bases?: readonly KnownBase[] | undefined;
  /** Why the scan failed; the rule `unscanned` decides what follows. */
  readonly unread?: string | undefined;
  /** Why Ward can't judge it. Ward then denies it under every policy. */
  readonly failure?: string | undefined;
  /** The artifact type that the policy exempts from scans. */
  readonly exempt?: string | undefined;
  /** Revision of the operator's VEX that was applied to the report. */
  readonly vexRevision?: string | undefined;
  /** Where a reader finds the report. */
  readonly reportAt?: string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

export function judge(policy: Policy, subject: Case): Verdict {
  const rules = rulesFor(policy, subject.namespace, subject.stage);
  const { report, now } = subject;
  const sifted = sift(report?.findings ?? [], report?.inventory.gaps ?? [], rules.ignore, now);
  const reasons = reasonsOf(policy, rules, subject, sifted).toSorted(
    (a, b) => Number(b.outcome === 'deny') - Number(a.outcome === 'deny'),
  );
  const outcome: Action = reasons[0]?.outcome ?? 'allow';
  const counts = countsOf(sifted);
  const vouchers = vouchersOf(subject.signatures, subject.attestations, policy);
  return {
    form: 1,
    outcome,
    digest: subject.digest,
    stage: subject.stage,
    namespace: subject.namespace,
    reasons,
    ignored: sifted.ignored,
    expired: sifted.expired,
    counts,
    ...(vouchers === undefined ? {} : { vouchers }),
    policyRevision: policy.revision,
    advisoryRevision: report?.advisories?.revision,
    advisoriesAt: report?.advisories?.updatedAt,
    rulesRevision: report?.rules?.revision,
    wardVersion: report?.rules?.ward,
    vexRevision: subject.vexRevision,
    judgedAt: new Date(now).toISOString(),
    summary:
      subject.exempt === undefined
        ? summarise(outcome, counts, reasons, subject.reportAt)
        : `allowed by policy, not scanned: artifacts of the kind ${subject.exempt} are exempt`,
  };
}

function reasonsOf(policy: Policy, rules: Rules, subject: Case, sifted: Sifted): readonly Reason[] {
  const { report, now, kind, failure, unread, exempt } = subject;
  if (exempt !== undefined) return [];
  const isImage = kind === 'image';
  const vouched = isImage
    ? [
        ...signatureReasons(subject.signatures, rules, policy),
        ...attestationReasons(subject.attestations, rules, policy),
        ...provenanceReasons(subject.attestations, rules, policy),
      ]
    : [];
  const failed = failure === undefined ? [] : plainReason('scan', 'deny', failure);
  if (report === undefined) {
    const why = unread ?? 'it was never scanned';
    const unscanned = failure === undefined ? plainReason('unscanned', rules.unscanned, why) : [];
    return [...failed, ...unscanned, ...vouched];
  }
  return [
    ...failed,
    ...classReasons('malware', 'malware', sifted.findings, rules.malware),
    ...vulnerabilityReasons(
      sifted.findings.filter((each) => each.class === 'vulnerability'),
      rules.vulnerabilities,
      now,
    ),
    ...classReasons('secret', 'secrets', sifted.findings, rules.secrets),
    ...classReasons('misconfiguration', 'misconfiguration', sifted.findings, rules.misconfiguration),
    ...gapReasons(sifted.gaps, rules),
    ...(isImage ? distributionReasons(report, rules, now) : []),
    ...advisoryReasons(report, rules, now),
    ...(isImage ? baseReasons(report, subject.bases, rules, policy) : []),
    ...vouched,
  ];
}

const nouns = {
  malware: ['piece of malware', 'pieces of malware'],
  secret: ['secret', 'secrets'],
  misconfiguration: ['misconfiguration', 'misconfigurations'],
} as const;

/** Applies the rule of a class of findings, except to ids with an action of their own. */
function classReasons(
  kind: keyof typeof nouns,
  rule: string,
  all: readonly Finding[],
  { action, ids }: Rules['malware'],
): readonly Reason[] {
  const actionOf = ({ id }: Finding): Action => (Object.hasOwn(ids, id) ? (ids[id] ?? action) : action);
  const its = all.filter((each) => each.class === kind);
  const [one, many] = nouns[kind];
  return (['deny', 'warn'] as const).flatMap((each) => {
    const found = its.filter((finding) => actionOf(finding) === each);
    return reasonFor(rule, each, counted(found.length, one, many), found);
  });
}

function countsOf({ findings, gaps }: Sifted): Counts {
  const vulnerabilities = findings.filter((each) => each.class === 'vulnerability');
  const ofClass = (kind: Finding['class']) => findings.filter((each) => each.class === kind).length;
  const ofSeverity = (severity: (typeof severities)[number]) =>
    vulnerabilities.filter((each) => each.severity === severity).length;
  return {
    critical: ofSeverity('critical'),
    high: ofSeverity('high'),
    medium: ofSeverity('medium'),
    low: ofSeverity('low'),
    none: ofSeverity('none'),
    unknown: ofSeverity('unknown'),
    knownExploited: vulnerabilities.filter(({ knownExploited }) => knownExploited).length,
    malware: ofClass('malware'),
    secrets: ofClass('secret'),
    misconfigurations: ofClass('misconfiguration'),
    gaps: gaps.length,
  };
}
