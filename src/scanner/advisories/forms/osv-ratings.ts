/** Reads the severities of an OSV record. */
import { isJsonObject, type JsonObject } from '../../../lib/index.ts';
import { ratingOfVector, severityOfWord, sourceOfId } from '../rating.ts';
import type { Rating } from '../record.ts';
import { specific } from './osv-fields.ts';

export function readRatings(id: string, severity: unknown, specifics: unknown): readonly Rating[] {
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

/** Ratings of one package, to be used in place of the record's own. */
export function readAffectedRatings(id: string, entry: JsonObject, own: JsonObject): readonly Rating[] {
  const source = sourceOfId(id);
  const vectors = readVectors(source, entry['severity']);
  const urgency = severityOfWord(own['urgency']);
  if (urgency !== 'unknown') return [{ source, severity: urgency, isDistribution: true }, ...vectors];
  // A notice that a package is no longer maintained is not a vulnerability.
  const { informational } = specific(entry, 'database_specific');
  return informational === 'unmaintained' || informational === 'notice'
    ? [{ source, severity: 'none' }]
    : vectors;
}
