/** An OSV record (ossf.github.io/osv-schema), read by hand: imports read a hundred thousand of them. */
import { isJsonObject, type JsonObject } from '../../../lib/index.ts';
import { moduleOfPurl } from '../module.ts';
import { isLanguage, lookupName } from '../names.ts';
import { ratingOfVector, severityOfWord, sourceOfId } from '../rating.ts';
import type { Advisory, Affected, Constraint, RangeEvent, Rating } from '../record.ts';
import { isDistributionEcosystem, spellRelease } from '../releases.ts';
import { isAdvisoryId, isCve, isoTime, isPlainWord, oneLine, webAddress } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';
import { distributionStatus, isOpenStatus } from './status.ts';

/** More of anything makes no sense. */
const maxItems = 20_000;
const titleLength = 200;

export const osvReader: FormReader =
  ({ sink }) =>
  ({ value }) => {
    const record = readOsv(value);
    if (record === notForUs) sink.skip();
    else sink.advisory(record);
  };

/** It speaks only of what Ward never finds: another ecosystem, or commits. */
const notForUs = Symbol('not for us');

/** @throws Flaw */
function readOsv(value: unknown): Advisory | typeof notForUs {
  if (!isJsonObject(value)) throw new Flaw('it is no object');
  const { id } = value;
  if (!isAdvisoryId(id)) throw new Flaw('its id is none');
  const listed = objects(value['affected'], 'affected');
  const affected = listed.flatMap((entry) => readAffected(id, entry));
  const ratings = readRatings(id, value['severity'], value['database_specific']);
  const aliases = ids(value['aliases']);
  if (affected.length === 0 && listed.length > 0) return notForUs;
  return {
    id,
    modified: isoTime(value['modified']),
    published: isoTime(value['published']) || undefined,
    withdrawn: typeof value['withdrawn'] === 'string' && value['withdrawn'] !== '',
    aliases: aliases.filter((alias) => alias !== id),
    upstream: upstreamOf(value, affected),
    title: titleOf(value, id),
    url: addressOf(value['references']),
    malicious: isMalicious(id, aliases, value, listed),
    ratings,
    affected,
  };
}

function readAffected(id: string, entry: JsonObject): readonly Affected[] {
  const found = entry['package'];
  if (found === undefined) return [];
  if (!isJsonObject(found)) throw new Flaw('a package is no object');
  const { ecosystem: full, name } = found;
  if (!isPlainEcosystem(full)) throw new Flaw('an ecosystem is none');
  const colon = full.indexOf(':');
  const ecosystem = colon === -1 ? full : full.slice(0, colon);
  const isDistribution = isDistributionEcosystem(ecosystem);
  if (!isDistribution && !isLanguage(ecosystem)) return [];
  if (!isPlainWord(name, 1024)) throw new Flaw('the name of a package is none');
  const own = specific(entry, 'ecosystem_specific');
  const status = isDistribution ? distributionStatus(own['status'] ?? own['urgency']) : undefined;
  const ranges = readRanges(entry['ranges'], status);
  return [
    {
      ecosystem,
      release: isDistribution && colon !== -1 ? spellRelease(ecosystem, full.slice(colon + 1)) : '',
      name: lookupName(ecosystem, name),
      ranges,
      // A distribution's lists repeat its ranges, at great length.
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
    if (!isPlainWord(version)) throw new Flaw('the version of an event is none');
    // `*` is no limit at all.
    return kind === 'limit' && version === '*' ? [] : [[kind, version]];
  });
  if (found.length === 0 && event['limit'] !== '*') throw new Flaw('an event says nothing');
  return found;
}

function readVersions(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > maxItems) throw new Flaw('versions is no list');
  const versions: unknown[] = value;
  return versions.map((version) => {
    if (typeof version !== 'string' || version.length > 512) throw new Flaw('a version is none');
    return version;
  });
}

/** npm records that were brought into OSV's form without their ranges. */
function readConstraint(
  ecosystem: string,
  entry: JsonObject,
  ranges: readonly unknown[],
): Constraint | undefined {
  const { vulnerable_versions: affected, patched_versions: patched } = specific(entry, 'database_specific');
  if (ecosystem !== 'npm' || ranges.length > 0 || typeof affected !== 'string') return undefined;
  return { notation: 'npm', affected, safe: typeof patched === 'string' ? [patched] : [] };
}

function readRatings(id: string, severity: unknown, specifics: unknown): readonly Rating[] {
  const source = sourceOfId(id);
  const word = severityOfWord(isJsonObject(specifics) ? specifics['severity'] : undefined);
  return [...(word === 'unknown' ? [] : [{ source, severity: word }]), ...readVectors(source, severity)];
}

function readVectors(source: string, value: unknown): readonly Rating[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, 20)
    .filter(isJsonObject)
    .flatMap(({ type, score }): readonly Rating[] => {
      if (typeof score !== 'string') return [];
      if (type === 'Ubuntu') return [{ source, severity: severityOfWord(score), isDistribution: true }];
      const rating = ratingOfVector(source, score);
      return rating === undefined ? [] : [rating];
    });
}

function readAffectedRatings(id: string, entry: JsonObject, own: JsonObject): readonly Rating[] {
  const source = sourceOfId(id);
  const vectors = readVectors(source, entry['severity']);
  const urgency = severityOfWord(own['urgency']);
  if (urgency !== 'unknown') return [{ source, severity: urgency, isDistribution: true }, ...vectors];
  // What is only no longer maintained is no vulnerability.
  const { informational } = specific(entry, 'database_specific');
  return informational === 'unmaintained' || informational === 'notice'
    ? [{ source, severity: 'none' }]
    : vectors;
}

/** Advisories of distributions speak of one or several vulnerabilities; the older of them say so as `related`. */
function upstreamOf(value: JsonObject, affected: readonly Affected[]): readonly string[] {
  const upstream = ids(value['upstream']);
  if (upstream.length > 0 || !affected.some(({ ecosystem }) => isDistributionEcosystem(ecosystem)))
    return upstream;
  return ids(value['related']).filter(isCve);
}

function titleOf({ summary, details }: JsonObject, id: string): string {
  if (typeof summary === 'string' && summary.trim() !== '') return oneLine(summary, titleLength);
  const [first = ''] =
    typeof details === 'string'
      ? details
          .slice(0, 4000)
          .split('\n')
          .filter((line) => /[a-z]/i.test(line))
      : [];
  return oneLine(first.replace(/^#+\s*/, ''), titleLength) || id;
}

function addressOf(references: unknown): string | undefined {
  if (!Array.isArray(references)) return undefined;
  const found = references.slice(0, 200).filter(isJsonObject);
  const best = found.find(({ type }) => type === 'ADVISORY') ?? found.find(({ type }) => type === 'WEB');
  return webAddress(best?.['url']);
}

/** By its id, or as CWE-506, «embedded malicious code». */
function isMalicious(
  id: string,
  aliases: readonly string[],
  value: JsonObject,
  affected: readonly JsonObject[],
): boolean {
  if ([id, ...aliases].some((name) => name.startsWith('MAL-'))) return true;
  const { cwe_ids: words } = specific(value, 'database_specific');
  if (Array.isArray(words) && words.includes('CWE-506')) return true;
  return affected.some((entry) => {
    const { cwes } = specific(entry, 'database_specific');
    return Array.isArray(cwes) && cwes.some((cwe) => isJsonObject(cwe) && cwe['cweId'] === 'CWE-506');
  });
}

function isPlainEcosystem(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 200 && /^[A-Za-z]/.test(value);
}

function specific(entry: JsonObject, field: string): JsonObject {
  const value = entry[field];
  return isJsonObject(value) ? value : {};
}

function ids(value: unknown): readonly string[] {
  return Array.isArray(value) ? [...new Set(value.slice(0, 1000).filter(isAdvisoryId))] : [];
}

function objects(value: unknown, name: string): readonly JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > maxItems) throw new Flaw(`${name} is no list`);
  const list: unknown[] = value;
  return list.map((item) => {
    if (!isJsonObject(item)) throw new Flaw(`${name} has something that is no object`);
    return item;
  });
}
