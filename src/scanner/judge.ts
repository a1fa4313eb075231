/** What was read → a report: with what advisories say of it, in an order that does not depend on chance. */
import { inOrder } from './formats/order.ts';
import type { Read } from './processes/jobs.ts';
import type {
  AdvisoryMatcher,
  Ecosystem,
  Finding,
  Inventory,
  Malware,
  Report,
  Suppressed,
  Vulnerability,
} from './types.ts';

export interface Judge {
  judged(target: Report['target'], read: Read): Report;
  /** The same inventory with the advisories of now. What was declared harmless stays so. */
  rejudged(report: Report): Report;
}

export function openJudge(matcher: AdvisoryMatcher, now: () => Date): Judge {
  const matched = ({ components, distribution }: Inventory) => matcher.match(components, distribution);
  return {
    judged: (target, { inventory, findings }) => ({
      form: 1,
      target,
      scannedAt: now().toISOString(),
      inventory: told(matcher, inventory),
      findings: inOrder([...findings, ...matched(inventory)]),
      suppressed: [],
      advisories: matcher.state(),
    }),
    rejudged: (report) => {
      const kept = report.findings.filter((finding) => !isMatched(finding));
      const reasons = new Map(report.suppressed.map((each) => [keyOf(each.finding), each.reason]));
      const matches = matched(report.inventory);
      return {
        ...report,
        inventory: told(matcher, report.inventory),
        findings: inOrder([...kept, ...matches.filter((each) => !reasons.has(keyOf(each)))]),
        suppressed: [
          ...report.suppressed.filter(({ finding }) => !isMatched(finding)),
          ...matches.flatMap((finding): Suppressed[] => {
            const reason = reasons.get(keyOf(finding));
            return reason === undefined ? [] : [{ finding, reason }];
          }),
        ],
        advisories: matcher.state(),
      };
    },
  };
}

/** With what advisories say of the distribution as a whole. That there are none at all is said of the report. */
function told(matcher: AdvisoryMatcher, inventory: Inventory): Inventory {
  const { distribution, components } = inventory;
  if (distribution === undefined) return inventory;
  const { withoutAdvisories: _, ...plain } = distribution;
  const endOfLife = matcher.endOfLife(plain) ?? plain.endOfLife;
  const isUnspoken =
    (matcher.state()?.count ?? 0) > 0 &&
    components.some(({ ecosystem }) => ofDistributions.has(ecosystem)) &&
    !matcher.covers(plain);
  return {
    ...inventory,
    distribution: {
      ...plain,
      ...(endOfLife !== undefined && { endOfLife }),
      ...(isUnspoken && { withoutAdvisories: true as const }),
    },
  };
}

const ofDistributions: ReadonlySet<Ecosystem> = new Set(['deb', 'apk', 'rpm']);

/** Whether it comes from advisories, and not from a rule. */
function isMatched(finding: Finding): finding is Vulnerability | Malware {
  return (
    finding.class === 'vulnerability' || (finding.class === 'malware' && finding.component !== undefined)
  );
}

function keyOf(finding: Finding): string {
  const purl = isMatched(finding) ? finding.component?.purl : undefined;
  return JSON.stringify([finding.class, finding.id, purl]);
}
