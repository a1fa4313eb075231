/** The rules about what surrounds the findings: gaps, the distribution, the age of advisories, the base. */
import type { AdvisoryState, Distribution, Gap, Report } from '../../scanner/index.ts';
import { counted, plainText } from '../plain-text.ts';
import type { Policy } from '../policy/policy.ts';
import type { Rules } from '../policy/rules-schema.ts';
import { type KnownBase, standsOn } from './bases.ts';
import { plainReason } from './reasons.ts';
import { isWanted } from './signers.ts';
import type { Reason } from './verdict.ts';

const dayMs = 86_400_000;

export function gapReasons(gaps: readonly Gap[], rules: Rules): readonly Reason[] {
  const [first] = gaps;
  if (first === undefined) return [];
  // A gap of the whole image has no path.
  const where = first.path === '' ? '' : `${plainText(first.path, 100)}: `;
  const more = gaps.length === 1 ? '' : `, and ${counted(gaps.length - 1, 'more part', 'more parts')}`;
  return plainReason('gaps', rules.gaps, `could not be read: ${where}${plainText(first.reason, 160)}${more}`);
}

export function distributionReasons({ inventory }: Report, rules: Rules, now: number): readonly Reason[] {
  const { distribution } = inventory;
  if (distribution === undefined) {
    const text = 'the distribution is unknown, so packages of an operating system may be missed';
    return plainReason('distribution.unknown', rules.distribution.unknown, text);
  }
  return [...notJudgedReasons(distribution, rules), ...endOfLifeReasons(distribution, rules, now)];
}

function notJudgedReasons({ notJudged, id, versionId }: Distribution, rules: Rules): readonly Reason[] {
  if (notJudged === undefined) return [];
  const release = versionId === '' ? `${id}, without a release` : `${id} ${versionId}`;
  const text = `its packages could not be judged: no one publishes advisories for ${plainText(release, 60)}`;
  return plainReason('distribution.notJudged', rules.distribution.notJudged, text);
}

function endOfLifeReasons(distribution: Distribution, rules: Rules, now: number): readonly Reason[] {
  const { endOfLife } = distribution;
  if (endOfLife === undefined || now < Date.parse(endOfLife)) return [];
  const text = `${plainText(distribution.name, 60)} has had no security updates since ${plainText(endOfLife, 40)}`;
  return plainReason('distribution.endOfLife', rules.distribution.endOfLife, text);
}

/** Says nothing about advisories when the scan found no packages. */
export function advisoryReasons(report: Report, rules: Rules, now: number): readonly Reason[] {
  const { advisories, inventory } = report;
  const { missing } = rules.advisories;
  if (inventory.components.length === 0) return [];
  if (advisories === undefined || advisories.count === 0) {
    const text = 'there are no advisories, so Ward did not look for vulnerabilities';
    return plainReason('advisories.missing', missing, text);
  }
  const { distribution } = inventory;
  const unspoken =
    distribution?.withoutAdvisories === true && distribution.notJudged === undefined
      ? plainReason(
          'advisories.missing',
          missing,
          `no advisory covers packages of ${plainText(distribution.name, 60)}, so Ward did not look for their vulnerabilities`,
        )
      : [];
  return [...unspoken, ...staleReasons(advisories, rules, now)];
}

function staleReasons(advisories: AdvisoryState, rules: Rules, now: number): readonly Reason[] {
  const { stale, maxAgeDays } = rules.advisories;
  const ageDays = (now - Date.parse(advisories.updatedAt ?? '')) / dayMs;
  if (ageDays <= maxAgeDays) return [];
  // A date instead of an age, so that tomorrow's verdict says the same.
  const age = Number.isNaN(ageDays) ? 'of unknown age' : `from ${advisories.updatedAt?.slice(0, 10)}`;
  return plainReason(
    'advisories.stale',
    stale,
    `the advisories are ${age}, but must not be older than ${maxAgeDays} days`,
  );
}

export function baseReasons(
  { inventory }: Report,
  known: readonly KnownBase[] | undefined,
  rules: Rules,
  policy: Policy,
): readonly Reason[] {
  const { action, ward, digests } = rules.bases;
  if (known === undefined)
    return plainReason('bases', action, 'Ward does not know which base the image stands on');
  const isTrusted = (base: KnownBase) =>
    (ward && base.builtByWard) ||
    digests.includes(base.digest) ||
    base.signedBy.some((signer) => isWanted(signer, rules.bases, policy));
  if (standsOn(inventory.layers, known).some(isTrusted)) return [];
  return plainReason('bases', action, 'the image does not stand on a trusted base');
}
