/** JSON in one canonical form (sorted keys, no spaces), so that equal values have equal hashes. */
import { createHash } from 'node:crypto';
import type { JsonValue } from '../lib/index.ts';

/** Leaves out members whose value is undefined, as `JSON.stringify` does. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, part: unknown) => (isObject(part) ? inOrder(part) : part));
}

/** SHA-256 of the canonical form, as 64 hex digits. */
export function hashOf(value: JsonValue): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** Repeats `isJsonObject` of `lib`, which the thread of the gate's file does not load. */
function isObject(part: unknown): part is object {
  return typeof part === 'object' && part !== null && !Array.isArray(part);
}

function inOrder(part: object): object {
  return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
}
