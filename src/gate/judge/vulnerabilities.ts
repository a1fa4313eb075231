/** The rules about vulnerabilities. */
import type { Severity, Vulnerability } from '../../scanner/index.ts';
import { counted } from '../plain-text.ts';
import type { Action, Rules } from '../policy/rules-schema.ts';
import { reasonFor } from './reasons.ts';
import type { Reason } from './verdict.ts';

type VulnerabilityRules = Rules['vulnerabilities'];
type Limit = number | 'any';

const dayMs = 86_400_000;

/**
 * Vulnerabilities that are exploited, or probably will be, count whether there is a fix or not and however new they are.
 * All others count against the limits, except those without a fix (if the policy says so) and those in their grace period.
 */
export function vulnerabilityReasons(
  all: readonly Vulnerability[],
  rules: VulnerabilityRules,
  now: number,
): readonly Reason[] {
  const { epss } = rules;
  const exploited = all.filter(({ knownExploited }) => knownExploited);
  const probable = all.filter((each) => (each.epss ?? -1) >= epss.above);
  const considered = all.filter(({ fixedIn }) => !rules.ignoreUnfixed || fixedIn.length > 0);
  const isNew = (each: Vulnerability) => isInGrace(each, rules.graceDays, now);
  const settled = considered.filter((each) => !isNew(each));
  return [
    ...reasonFor(
      'vulnerabilities.knownExploited',
      rules.knownExploited,
      `${counted(exploited.length, 'vulnerability that is', 'vulnerabilities that are')} known to be exploited`,
      exploited,
    ),
    ...reasonFor(
      'vulnerabilities.epss',
      epss.action,
      `${counted(probable.length, 'vulnerability', 'vulnerabilities')} with an EPSS of ${epss.above} or more`,
      probable,
    ),
    ...limitsOf(rules).flatMap(({ rule, severity, limit, action }) =>
      overLimit(rule, action, severity, limit, settled),
    ),
    ...graceReasons(considered.filter(isNew), settled, rules),
  ];
}

function limitsOf(rules: VulnerabilityRules) {
  const { action, limits, unknown } = rules;
  const named = (['critical', 'high', 'medium', 'low', 'none'] as const).map((severity) => ({
    rule: `vulnerabilities.limits.${severity}`,
    severity,
    limit: limits[severity],
    action,
  }));
  return [
    ...named,
    { rule: 'vulnerabilities.unknown', severity: 'unknown', limit: unknown.limit, action: unknown.action },
  ] as const;
}

function overLimit(
  rule: string,
  action: Action,
  severity: Severity,
  limit: Limit,
  all: readonly Vulnerability[],
): readonly Reason[] {
  const found = all.filter((each) => each.severity === severity);
  if (limit === 'any' || found.length <= limit) return [];
  const noun = severity === 'unknown' ? ' of unknown severity' : '';
  const adjective = severity === 'unknown' ? '' : `${severity} `;
  const many = counted(
    found.length,
    `${adjective}vulnerability${noun}`,
    `${adjective}vulnerabilities${noun}`,
  );
  return reasonFor(rule, action, limit === 0 ? many : `${many}, at most ${limit} allowed`, found);
}

/** Warns about vulnerabilities that will exceed a limit when their grace ends. */
function graceReasons(
  fresh: readonly Vulnerability[],
  settled: readonly Vulnerability[],
  rules: VulnerabilityRules,
): readonly Reason[] {
  const late = limitsOf(rules).flatMap(({ severity, limit, action }) => {
    if (limit === 'any' || action === 'allow') return [];
    const isIt = (each: Vulnerability) => each.severity === severity;
    const young = fresh.filter(isIt);
    return young.length + settled.filter(isIt).length > limit ? young : [];
  });
  const what = counted(late.length, 'vulnerability', 'vulnerabilities');
  return reasonFor('vulnerabilities.graceDays', 'warn', `${what} in their grace period`, late);
}

/** Grants no grace without a date. */
function isInGrace(
  { published, fixedIn, fixKnownSince }: Vulnerability,
  { sincePublished, sinceFix }: VulnerabilityRules['graceDays'],
  now: number,
): boolean {
  if (isWithin(published, sincePublished, now)) return true;
  return fixedIn.length > 0 && isWithin(fixKnownSince ?? published, sinceFix, now);
}

function isWithin(since: string | undefined, days: number, now: number): boolean {
  return since !== undefined && now - Date.parse(since) < days * dayMs;
}
