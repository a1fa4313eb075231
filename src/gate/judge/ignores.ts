/** Applies the policy's ignore list, and names its expired entries. */

import { matchesPattern } from '../../lib/index.ts';
import type { Finding, Gap } from '../../scanner/index.ts';
import { coversPackage, parsePackageUrl } from '../package-url.ts';
import { plainText } from '../plain-text.ts';
import type { IgnoreEntry } from '../policy/rules-schema.ts';
import type { Ignored } from './verdict.ts';

export interface Sifted {
  /** Findings that count. */
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
  readonly ignored: readonly Ignored[];
  readonly expired: readonly Ignored[];
}

/** What can be ignored: a finding, or a gap under the id `gap`. */
interface IgnorableThing {
  readonly ids: readonly string[];
  readonly purl: string | undefined;
  readonly paths: readonly string[];
}

const dayMs = 86_400_000;
const most = 200;
/** The id under which the ignore list names gaps. */
const gapId = 'gap';

/** @param now epoch milliseconds */
export function sift(
  findings: readonly Finding[],
  gaps: readonly Gap[],
  entries: readonly IgnoreEntry[],
  now: number,
): Sifted {
  const byId = Map.groupBy(entries, ({ id }) => id.toUpperCase());
  const ignored: Ignored[] = [];
  const expired: Ignored[] = [];
  const counts = (subject: IgnorableThing): boolean => {
    const matching = entriesFor(subject, byId);
    const valid = matching.find((entry) => !hasExpired(entry, now));
    const [past] = matching;
    const entry = valid ?? past;
    const list = valid === undefined ? expired : ignored;
    if (entry !== undefined && list.length < most) list.push(shown(subject, entry));
    return valid === undefined;
  };
  return {
    findings: findings.filter((finding) => counts(subjectOf(finding))),
    gaps: gaps.filter(({ path }) => counts({ ids: [gapId], purl: undefined, paths: [path] })),
    ignored,
    expired,
  };
}

/** An entry holds to the end of its last day, in UTC. */
function hasExpired({ expires }: IgnoreEntry, now: number): boolean {
  return !(now < Date.parse(expires) + dayMs);
}

function entriesFor(
  subject: IgnorableThing,
  byId: ReadonlyMap<string, readonly IgnoreEntry[]>,
): IgnoreEntry[] {
  if (byId.size === 0) return [];
  return subject.ids
    .flatMap((id) => byId.get(id.toUpperCase()) ?? [])
    .filter((entry) => isOfPackage(entry, subject) && isAtPath(entry, subject));
}

function isOfPackage({ purl }: IgnoreEntry, subject: IgnorableThing): boolean {
  if (purl === undefined) return true;
  const pattern = parsePackageUrl(purl);
  const its = subject.purl === undefined ? undefined : parsePackageUrl(subject.purl);
  return pattern !== undefined && its !== undefined && coversPackage(pattern, its);
}

/** Requires all places to match: a finding that is elsewhere too is not ignored. */
function isAtPath({ path }: IgnoreEntry, { paths }: IgnorableThing): boolean {
  return path === undefined || (paths.length > 0 && paths.every((each) => matchesPattern(path, each)));
}

function subjectOf(finding: Finding): IgnorableThing {
  const aliases = finding.class === 'vulnerability' ? finding.aliases : [];
  const purl = 'component' in finding ? finding.component?.purl : undefined;
  return { ids: [finding.id, ...aliases], purl, paths: finding.places.map(({ path }) => path) };
}

function shown({ ids, purl, paths }: IgnorableThing, { reason, by, expires }: IgnoreEntry): Ignored {
  return {
    id: plainText(ids[0] ?? ''),
    where: plainText(purl ?? paths[0] ?? ''),
    reason: plainText(reason, 1000),
    by,
    expires,
  };
}
