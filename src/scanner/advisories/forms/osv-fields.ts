/** Reads fields of OSV records that follow the schema. */
import { isJsonObject, type JsonObject } from '../../../lib/index.ts';
import { isAdvisoryId } from '../text.ts';
import { Flaw } from './form.ts';

/** The most items that any list of a valid record has. */
export const maxItems = 20_000;

/** Reads `database_specific` and the like; empty when it is not an object. */
export function specific(entry: JsonObject, field: string): JsonObject {
  const value = entry[field];
  return isJsonObject(value) ? value : {};
}

/** Keeps only valid ids. */
export function ids(value: unknown): readonly string[] {
  return Array.isArray(value) ? [...new Set(value.slice(0, 1000).filter(isAdvisoryId))] : [];
}

/** @throws Flaw when the value is neither absent nor a list of objects */
export function objects(value: unknown, name: string): readonly JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > maxItems) throw new Flaw(`${name} is not a list`);
  const list: unknown[] = value;
  return list.map((item) => {
    if (!isJsonObject(item)) throw new Flaw(`${name} has something that is not an object`);
    return item;
  });
}
