/**
 * Judges whether a version is affected, by OSV's algorithm (ossf.github.io/osv-schema/#evaluation): it is listed, or inside
 * a range whose events, in the order of their versions, switch it on and off.
 *
 * A version that can't be compared does not count as safe: the answer is "affected, uncertain".
 */
import semver from 'semver';
import type { Ecosystem } from '../types.ts';
import { compareVersions } from '../versions/compare.ts';
import type { Affected, Constraint, RangeEvent } from './record.ts';

interface Judgement {
  readonly affected: boolean;
  /** The version can't be compared, so `affected` is true. */
  readonly uncertain: boolean;
}

const safe: Judgement = { affected: false, uncertain: false };
const hit: Judgement = { affected: true, uncertain: false };
const unknown: Judgement = { affected: true, uncertain: true };

export function judge(affected: Affected, ecosystem: Ecosystem, version: string): Judgement {
  const { ranges, versions, constraint } = affected;
  if (ranges.length === 0 && versions.length === 0 && constraint === undefined) return safe;
  if (version === '') return unknown;
  if (versions.includes(version)) return hit;
  const answers = [
    ...ranges.map((range) => judgeRange(range, ecosystem, version)),
    ...(constraint === undefined ? [] : [judgeConstraint(constraint, version)]),
  ];
  if (answers.includes(hit)) return hit;
  if (answers.includes(unknown)) return unknown;
  return ecosystem === 'pypi' && isListed(versions, version) ? hit : safe;
}

/** Versions with a fix that are newer than this one. */
export function fixesAfter(affected: Affected, ecosystem: Ecosystem, version: string): readonly string[] {
  const { ranges, constraint } = affected;
  const fixes = ranges.flatMap((range) => range.filter(([kind]) => kind === 'fixed').map(([, fix]) => fix));
  return [...fixes, ...(constraint === undefined ? [] : fixesOfConstraint(constraint))].filter(
    (fix) => (compareVersions(ecosystem, fix, version) ?? 1) > 0,
  );
}

/** Whether any version fixes it. */
export function isFixed({ ranges, constraint }: Pick<Affected, 'ranges' | 'constraint'>): boolean {
  return (
    ranges.some((range) => range.some(([kind]) => kind === 'fixed')) || (constraint?.safe.length ?? 0) > 0
  );
}

/** Sorts events by version. Events of one version keep their order. */
export function inOrder(range: readonly RangeEvent[], ecosystem: Ecosystem): readonly RangeEvent[] {
  return range.toSorted(([, a], [, b]) => {
    if (a === b) return 0;
    if (a === '0' || b === '0') return a === '0' ? -1 : 1;
    return compareVersions(ecosystem, a, b) ?? 0;
  });
}

function judgeRange(range: readonly RangeEvent[], ecosystem: Ecosystem, version: string): Judgement {
  let inside = false;
  for (const [kind, at] of range) {
    // `0` sorts before everything.
    const order = at === '0' ? 1 : compareVersions(ecosystem, version, at);
    if (order === undefined) return unknown;
    if (kind === 'introduced' ? order >= 0 : kind === 'last' ? order > 0 : order >= 0) {
      inside = kind === 'introduced';
    }
  }
  return inside ? hit : safe;
}

function judgeConstraint({ notation, affected, safe: ends }: Constraint, version: string): Judgement {
  const satisfies = notation === 'npm' ? satisfiesNpm : satisfiesGem;
  const inside = affected === undefined ? true : satisfies(version, affected);
  const outside = ends.map((range) => satisfies(version, range));
  if (inside === false || outside.includes(true)) return safe;
  return inside === undefined || outside.includes(undefined) ? unknown : hit;
}

/** The first version of each safe range. */
function fixesOfConstraint({ notation, safe: ends }: Constraint): readonly string[] {
  return ends.flatMap((range) => {
    if (notation === 'gem') return /^(?:>=|~>)\s*(\S+)$/.exec(range.split(',')[0] ?? '')?.[1] ?? [];
    return range.split('||').flatMap((part) => {
      if (semver.validRange(part, { loose: true }) === null) return [];
      const least = semver.minVersion(part, { loose: true })?.version;
      return least === undefined || least === '0.0.0' ? [] : [least];
    });
  });
}

function satisfiesNpm(version: string, range: string): boolean | undefined {
  const options = { includePrerelease: true, loose: true };
  if (semver.valid(version, options) === null || semver.validRange(range, options) === null) return undefined;
  return semver.satisfies(version, range, options);
}

/**
 * A requirement of RubyGems: `>= 1.2, < 2`, `~> 1.9.3` (guides.rubygems.org/patterns).
 * Undefined when the versions can't be compared.
 */
function satisfiesGem(version: string, requirement: string): boolean | undefined {
  const answers = requirement.split(',').map((part) => satisfiesPart(version, part.trim()));
  if (answers.includes(false)) return false;
  return answers.includes(undefined) ? undefined : true;
}

function satisfiesPart(version: string, part: string): boolean | undefined {
  const [, operator = '=', wanted = ''] = /^(=|!=|>=|<=|>|<|~>)?\s*(\S+)$/.exec(part) ?? [];
  const order = compareVersions('gem', version, wanted);
  if (order === undefined) return undefined;
  switch (operator) {
    case '!=':
      return order !== 0;
    case '>=':
      return order >= 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    case '~>':
      return order >= 0 && (compareVersions('gem', version, nextOf(wanted)) ?? 0) < 0;
    default:
      return order === 0;
  }
}

/** The first version that `~> wanted` excludes: `1.9.3` → `1.10`, `2` → `3`. */
function nextOf(wanted: string): string {
  const numbers = wanted.split('.').filter((segment) => /^\d+$/.test(segment));
  const kept = numbers.length > 1 ? numbers.slice(0, -1) : numbers;
  return [...kept.slice(0, -1), String(Number(kept.at(-1) ?? '0') + 1)].join('.');
}

/** A listed `1.0` also means `1.0.0`. */
function isListed(versions: readonly string[], version: string): boolean {
  const plain = plainly(version);
  return versions.some((listed) => plainly(listed) === plain);
}

function plainly(version: string): string {
  return version
    .toLowerCase()
    .replace(/^v/, '')
    .replace(/(?:\.0)+$/, '');
}
