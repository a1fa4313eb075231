/** JSON in one canonical form (sorted keys, no spaces), so that equal values have equal hashes. */
import { isJsonObject, type JsonValue } from './json.ts';

/** Loaded on demand: threads and the keeper hash nothing, and it takes some megabytes. */
const crypto = () => process.getBuiltinModule('node:crypto');

/** Leaves out members whose value is undefined, as `JSON.stringify` does. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, part: unknown) => (isJsonObject(part) ? inOrder(part) : part));
}

/** SHA-256 of the canonical form, as 64 hex digits. */
export function hashOf(value: JsonValue): string {
  return crypto().createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function inOrder(part: object): object {
  return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
}
