/** Makes a report of what was read and of the advisories about it, in a stable order. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { packageVersion } from '../lib/index.ts';
import { inOrder } from './formats/order.ts';
import { mostFindings } from './limits.ts';
import { lookAlike, lookAlikeRevision } from './malware/look-alikes.ts';
import type { Read } from './processes/jobs.ts';
import { revisionOf } from './rules/revision.ts';
import { turnMs } from './turns.ts';
import type {
  AdvisoryMatcher,
  Ecosystem,
  Finding,
  Gap,
  Inventory,
  Malware,
  Report,
  RulesState,
  Suppressed,
  Vulnerability,
} from './types.ts';

export interface Judge {
  /** @param rules revision of the rules that the content was read with */
  judged(target: Report['target'], read: Read, rules: string): Promise<Report>;
  /** Judges the inventory of a report by the current advisories. Findings that were declared harmless stay so. */
  rejudged(report: Report): Promise<Report>;
}

const tooMany: Gap = { path: '', reason: `advisories say more than ${mostFindings} things of it` };

export function openJudge(matcher: AdvisoryMatcher, now: () => Date): Judge {
  return {
    judged: async (target, { inventory, findings }, rules) => {
      const matches = await matchesOf(matcher, inventory);
      return {
        form: 1,
        target,
        scannedAt: now().toISOString(),
        inventory: told(matcher, withGap(inventory, matches)),
        findings: inOrder([...findings, ...matches.found]),
        suppressed: [],
        advisories: matches.state,
        rules: rulesOf(rules),
      };
    },
    rejudged: async (report) => {
      const kept = report.findings.filter((finding) => !isMatched(finding));
      const reasons = new Map(report.suppressed.map((each) => [keyOf(each.finding), each.reason]));
      const matches = await matchesOf(matcher, report.inventory);
      return {
        ...report,
        inventory: told(matcher, withGap(report.inventory, matches)),
        findings: inOrder([...kept, ...matches.found.filter((each) => !reasons.has(keyOf(each)))]),
        suppressed: [
          ...report.suppressed.filter(({ finding }) => !isMatched(finding)),
          ...matches.found.flatMap((finding): Suppressed[] => {
            const reason = reasons.get(keyOf(finding));
            return reason === undefined ? [] : [{ finding, reason }];
          }),
        ],
        advisories: matches.state,
        rules: report.rules && rulesOf(report.rules.read),
      };
    },
  };
}

function rulesOf(read: string): RulesState {
  const ward = packageVersion();
  return { revision: revisionOf(read, lookAlikeRevision(), ward), read, ward };
}

interface Matches {
  readonly found: readonly (Vulnerability | Malware)[];
  /** Further findings were dropped. */
  readonly isCut: boolean;
  /** State of the advisories that were used. */
  readonly state: ReturnType<AdvisoryMatcher['state']>;
}

async function matchesOf(
  matcher: AdvisoryMatcher,
  { components, distribution }: Pick<Inventory, 'components' | 'distribution'>,
): Promise<Matches> {
  const state = matcher.state();
  const found: (Vulnerability | Malware)[] = [];
  let since = performance.now();
  for (const component of components) {
    if (performance.now() - since > turnMs) {
      await nextTurn();
      since = performance.now();
    }
    for (const match of matcher.match([component], distribution)) found.push(match);
    const alike = lookAlike(component);
    if (alike !== undefined) found.push(alike);
    if (found.length > mostFindings) break;
  }
  // New advisories may have been opened meanwhile.
  if (matcher.state()?.revision !== state?.revision) return matchesOf(matcher, { components, distribution });
  return { found: found.slice(0, mostFindings), isCut: found.length > mostFindings, state };
}

function withGap(inventory: Inventory, { isCut }: Matches): Inventory {
  const others = inventory.gaps.filter(({ reason }) => reason !== tooMany.reason);
  return { ...inventory, gaps: isCut ? [...others, tooMany] : others };
}

/** Adds what advisories say about the distribution as a whole. The report itself states that there are no advisories. */
function told(matcher: AdvisoryMatcher, inventory: Inventory): Inventory {
  const { distribution, components } = inventory;
  if (distribution === undefined) return inventory;
  const { withoutAdvisories: _, notJudged: __, ...plain } = distribution;
  const endOfLife = matcher.endOfLife(plain) ?? plain.endOfLife;
  const hasPackages = components.some(({ ecosystem }) => ofDistributions.has(ecosystem));
  const isUnspoken = (matcher.state()?.count ?? 0) > 0 && hasPackages && !matcher.covers(plain);
  const isUnknown = hasPackages && !matcher.knows(plain);
  return {
    ...inventory,
    distribution: {
      ...plain,
      ...(endOfLife !== undefined && { endOfLife }),
      ...(isUnspoken && { withoutAdvisories: true as const }),
      ...(isUnknown && { notJudged: true as const }),
    },
  };
}

const ofDistributions: ReadonlySet<Ecosystem> = new Set(['deb', 'apk', 'rpm']);

/** Whether it was found by the name of a package, not in a file. */
function isMatched(finding: Finding): finding is Vulnerability | Malware {
  return (
    finding.class === 'vulnerability' || (finding.class === 'malware' && finding.component !== undefined)
  );
}

function keyOf(finding: Finding): string {
  const purl = isMatched(finding) ? finding.component?.purl : undefined;
  return JSON.stringify([finding.class, finding.id, purl]);
}
