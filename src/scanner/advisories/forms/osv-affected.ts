/** Reads one affected package of an OSV record. */
import { isJsonObject, type JsonObject } from '../../../lib/index.ts';
import { moduleOfPurl } from '../module.ts';
import { isLanguage, lookupName } from '../names.ts';
import type { Affected, Constraint, RangeEvent } from '../record.ts';
import { isDistributionEcosystem, spellRelease } from '../releases.ts';
import { isPlainWord } from '../text.ts';
import { Flaw } from './form.ts';
import { maxItems, objects, specific } from './osv-fields.ts';
import { readAffectedRatings } from './osv-ratings.ts';

/** Empty for packages that Ward never finds. @throws Flaw */
export function readAffected(id: string, entry: JsonObject): readonly Affected[] {
  const found = entry['package'];
  if (found === undefined) return [];
  if (!isJsonObject(found)) throw new Flaw('a package is not an object');
  const { ecosystem: full, name } = found;
  if (!isPlainEcosystem(full)) throw new Flaw('an ecosystem is invalid');
  const colon = full.indexOf(':');
  const ecosystem = colon === -1 ? full : full.slice(0, colon);
  const isDistribution = isDistributionEcosystem(ecosystem);
  if (!isDistribution && !isLanguage(ecosystem)) return [];
  if (!isPlainWord(name, 1024)) throw new Flaw('the name of a package is invalid');
  const own = specific(entry, 'ecosystem_specific');
  const status = isDistribution ? distributionStatus(own['status'] ?? own['urgency']) : undefined;
  const ranges = readRanges(entry['ranges'], status);
  return [
    {
      ecosystem,
      release: isDistribution && colon !== -1 ? spellRelease(ecosystem, full.slice(colon + 1)) : '',
      name: lookupName(ecosystem, name),
      ranges,
      // The lists of distributions only repeat the ranges, at great length.
      versions: isDistribution && ranges.length > 0 ? [] : readVersions(entry['versions']),
      constraint: readConstraint(ecosystem, entry, ranges),
      status,
      module: moduleOfPurl(found['purl']),
      ratings: readAffectedRatings(id, entry, own),
    },
  ];
}

function readRanges(value: unknown, status: string | undefined): readonly (readonly RangeEvent[])[] {
  const ranges = objects(value, 'ranges')
    .filter(({ type }) => type !== 'GIT')
    .map((range) => {
      if (range['type'] !== 'SEMVER' && range['type'] !== 'ECOSYSTEM')
        throw new Flaw('the type of a range is unknown');
      return objects(range['events'], 'events').flatMap(readEvent);
    });
  return ranges.length === 0 && isOpenStatus(status) ? [[['introduced', '0']]] : ranges;
}

const eventKinds: readonly (readonly [field: string, kind: RangeEvent[0]])[] = [
  ['introduced', 'introduced'],
  ['fixed', 'fixed'],
  ['last_affected', 'last'],
  ['limit', 'limit'],
];

function readEvent(event: JsonObject): readonly RangeEvent[] {
  const found = eventKinds.flatMap(([field, kind]): readonly RangeEvent[] => {
    const version = event[field];
    if (version === undefined) return [];
    if (!isPlainWord(version)) throw new Flaw('the version of an event is invalid');
    // `*` means no limit.
    return kind === 'limit' && version === '*' ? [] : [[kind, version]];
  });
  if (found.length === 0 && event['limit'] !== '*') throw new Flaw('an event says nothing');
  return found;
}

function readVersions(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > maxItems) throw new Flaw('versions is not a list');
  const versions: unknown[] = value;
  return versions.map((version) => {
    if (typeof version !== 'string' || version.length > 512) throw new Flaw('a version is invalid');
    return version;
  });
}

/** Reads npm records that were converted to OSV without their ranges. */
function readConstraint(
  ecosystem: string,
  entry: JsonObject,
  ranges: readonly unknown[],
): Constraint | undefined {
  const { vulnerable_versions: affected, patched_versions: patched } = specific(entry, 'database_specific');
  if (ecosystem !== 'npm' || ranges.length > 0 || typeof affected !== 'string') return undefined;
  return { notation: 'npm', affected, safe: typeof patched === 'string' ? [patched] : [] };
}

function isPlainEcosystem(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 200 && /^[A-Za-z]/.test(value);
}

const statuses = new Map([
  ['open', 'affected'],
  ['unfixed', 'affected'],
  ['no-dsa', 'affected'],
  ['postponed', 'fix_deferred'],
  ['ignored', 'will_not_fix'],
  ['end-of-life', 'end_of_life'],
  ['not-affected', 'not_affected'],
]);

/** Maps a distribution's word for a package without a fix to the word of reports; undefined for other words. */
function distributionStatus(word: unknown): string | undefined {
  return typeof word === 'string' ? statuses.get(word) : undefined;
}

/** Whether every version is vulnerable. */
function isOpenStatus(status: string | undefined): boolean {
  return status !== undefined && status !== 'not_affected';
}
