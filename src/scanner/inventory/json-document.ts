/** JSON from a package: bounded, an object, and never trusted in its types. */
import { isJsonObject, type JsonObject, type JsonValue, nestsDeeperThan } from '../../lib/index.ts';

/** Lock files of large projects have 20 MB. */
const maxBytes = 48 * 1024 * 1024;
const maxDepth = 200;

/** Throws, with a message for people, when it is none. */
export function jsonOf(content: Buffer): JsonValue {
  if (content.length > maxBytes) throw new Error('it is too long');
  const text = content.toString('utf8').replace(/^\uFEFF/, '');
  if (nestsDeeperThan(text, maxDepth)) throw new Error('it nests too deep');
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
}

/** Throws when it is no object. */
export function jsonObjectOf(content: Buffer): JsonObject {
  const value = jsonOf(content);
  if (!isJsonObject(value)) throw new Error('it is no JSON object');
  return value;
}

/** The entries of an object; of anything else none. */
export function entriesOf(value: JsonValue | undefined): [string, JsonValue | undefined][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

/** The items of a list; of anything else none. */
export function itemsOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}
