/** JSON from a package: bounded, an object, and never trusted in its types. */
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
/** Each takes up to 64 bytes of memory, and as little as two of the text. Those lock files have half a million. */
const maxValues = 1_500_000;

/** Throws, with a message for people, when it is none. */
export function jsonOf(content: Buffer): JsonValue {
  return parseJson(textOf(content));
}

/** Without the mark of the order of bytes. Throws when it is too long. */
export function textOf(content: Buffer): string {
  if (content.length > maxBytes) throw new Error('it is too long');
  return content.toString('utf8').replace(/^\uFEFF/, '');
}

/** Throws, with a message for people, when it is none. */
export function parseJson(text: string): JsonValue {
  if (nestsDeeperThan(text, maxDepth)) throw new Error('it nests too deep');
  if (hasMoreValuesThan(text, maxValues)) throw new Error('there is too much in it');
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
}

/** Throws when it is not an object. */
export function jsonObjectOf(content: Buffer): JsonObject {
  return requireObject(jsonOf(content));
}

/** Throws when it is not an object. */
export function requireObject(value: JsonValue): JsonObject {
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
