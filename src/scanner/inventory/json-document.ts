/** Parses JSON from packages: with limits, and without trust in types. */
import {
  hasMoreValuesThan,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  nestsDeeperThan,
} from '../../lib/index.ts';

/** Lock files of large projects have 20 MB. */
const maxBytes = 24 * 1024 * 1024;
const maxDepth = 200;
/** Each value takes up to 64 bytes of memory, but as little as two bytes of text. Large lock files have half a million. */
const maxValues = 1_500_000;

/** Throws, with a message for users, when it is not JSON. */
export function jsonOf(content: Buffer): JsonValue {
  return parseJson(textOf(content));
}

/** Drops the byte order mark. Throws when the text is too long. */
export function textOf(content: Buffer): string {
  if (content.length > maxBytes) throw new Error('it is too long');
  return content.toString('utf8').replace(/^\uFEFF/, '');
}

/** Throws, with a message for users, when it is not JSON. */
export function parseJson(text: string): JsonValue {
  if (nestsDeeperThan(text, maxDepth)) throw new Error('it nests too deeply');
  if (hasMoreValuesThan(text, maxValues)) throw new Error('it has too many values');
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
}

/** Throws when the value is not an object. */
export function jsonObjectOf(content: Buffer): JsonObject {
  return requireObject(jsonOf(content));
}

/** Throws when the value is not an object. */
export function requireObject(value: JsonValue): JsonObject {
  if (!isJsonObject(value)) throw new Error('it is not a JSON object');
  return value;
}

/** The entries of an object; empty for other values. */
export function entriesOf(value: JsonValue | undefined): [string, JsonValue | undefined][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

/** The items of a list; empty for other values. */
export function itemsOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}
