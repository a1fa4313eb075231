/** The fields of OSV’s records, as far as they are what the schema says. */
import { isJsonObject, type JsonObject } from '../../../lib/index.ts';
import { isAdvisoryId } from '../text.ts';
import { Flaw } from './form.ts';

/** More of anything makes no sense. */
export const maxItems = 20_000;

/** `database_specific` and the like, empty where it is not an object. */
export function specific(entry: JsonObject, field: string): JsonObject {
  const value = entry[field];
  return isJsonObject(value) ? value : {};
}

/** Those that are ids. */
export function ids(value: unknown): readonly string[] {
  return Array.isArray(value) ? [...new Set(value.slice(0, 1000).filter(isAdvisoryId))] : [];
}

/** @throws Flaw when it is anything else than a list of objects, or nothing */
export function objects(value: unknown, name: string): readonly JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > maxItems) throw new Flaw(`${name} is not a list`);
  const list: unknown[] = value;
  return list.map((item) => {
    if (!isJsonObject(item)) throw new Flaw(`${name} has something that is not an object`);
    return item;
  });
}
