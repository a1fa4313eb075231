/**
 * Reads an OSV record (ossf.github.io/osv-schema) without a schema library, because imports read a hundred thousand of
 * them.
 */
import { isJsonObject, type JsonObject } from '../../../lib/index.ts';
import type { Advisory, Affected } from '../record.ts';
import { isDistributionEcosystem } from '../releases.ts';
import { isAdvisoryId, isCve, isoTime, oneLine, webAddress } from '../text.ts';
import { Flaw, type FormReader } from './form.ts';
import { readAffected } from './osv-affected.ts';
import { ids, objects, specific } from './osv-fields.ts';
import { readRatings } from './osv-ratings.ts';

const titleLength = 200;

export const osvReader: FormReader =
  ({ sink }) =>
  ({ value }) => {
    const record = readOsv(value);
    if (record === notForUs) sink.skip();
    else sink.advisory(record);
  };

/** The record covers only things that Ward never finds: another ecosystem, or commits. */
const notForUs = Symbol('not for us');

/** @throws Flaw */
function readOsv(value: unknown): Advisory | typeof notForUs {
  if (!isJsonObject(value)) throw new Flaw('it is not an object');
  const { id } = value;
  if (!isAdvisoryId(id)) throw new Flaw('its id is invalid');
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

/** A distribution's advisory covers one or several vulnerabilities. Older ones list them in `related`. */
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

/** Detects malware by its id, or by CWE-506 ("embedded malicious code"). */
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
