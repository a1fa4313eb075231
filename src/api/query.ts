/** Reads query parameters as OpenWhisk's framework does, and ignores unknown ones. */
import { parseDay, type Range, type SystemLimits } from '../functions/index.ts';
import { isJsonObject } from '../lib/index.ts';
import { apiFault } from './faults.ts';

/** The first value of a parameter. */
export function queryText(query: unknown, name: string): string | undefined {
  if (!isJsonObject(query)) return undefined;
  const value = query[name];
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : undefined;
}

const truths = new Set(['true', 'yes', 'on', '1']);
const falsehoods = new Set(['false', 'no', 'off', '0']);

/** @throws Fault QUERY_INVALID */
export function queryBoolean(query: unknown, name: string, absent: boolean): boolean {
  const text = queryText(query, name);
  if (text === undefined) return absent;
  const value = text.toLowerCase();
  if (truths.has(value)) return true;
  if (falsehoods.has(value)) return false;
  throw malformedQuery(name, `'${shown(text)}' is not a valid Boolean value`);
}

/** `skip` and `limit` of a list; 0 means as many as allowed. @throws Fault QUERY_INVALID */
export function queryPage(query: unknown, collection: string, list: SystemLimits['list']) {
  const limit = queryInteger(query, 'limit', collection) ?? list.default;
  const skip = queryInteger(query, 'skip', collection) ?? 0;
  if (limit < 0 || limit > list.max) {
    throw apiFault(
      'QUERY_INVALID',
      `The value '${limit}' is not in the range of 0 to ${list.max} for ${collection}.`,
    );
  }
  if (skip < 0) {
    throw apiFault(
      'QUERY_INVALID',
      `The value '${skip}' is not greater than or equal to 0 for ${collection}.`,
    );
  }
  return { limit: limit === 0 ? list.max : limit, skip };
}

/** Epoch milliseconds. @throws Fault QUERY_INVALID */
export function queryEpoch(query: unknown, name: string): number | undefined {
  const text = queryText(query, name);
  if (text === undefined) return undefined;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw apiFault('QUERY_INVALID', `Parameter is not a valid value for epoch seconds: ${shown(text)}`);
}

/** A day such as `2026-01-31`, as days since 1970. @throws Fault QUERY_INVALID */
export function queryDay(query: unknown, name: string): number | undefined {
  const text = queryText(query, name);
  if (text === undefined) return undefined;
  const day = parseDay(text);
  if (day !== undefined) return day;
  throw malformedQuery(name, `'${shown(text)}' is not a day like 2026-01-31`);
}

/** Reads how long a blocking call waits. @throws Fault QUERY_INVALID */
export function queryWaitMs(query: unknown, maxMs: Range['max']): number {
  const text = queryText(query, 'timeout');
  if (text === undefined) return maxMs;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= maxMs) return value;
  throw apiFault('QUERY_INVALID', `Timeout must be number of milliseconds up to ${maxMs}.`);
}

export function malformedQuery(name: string, detail: string) {
  return apiFault('QUERY_INVALID', `The query parameter '${name}' was malformed:\n${detail}`);
}

function queryInteger(query: unknown, name: string, collection: string): number | undefined {
  const text = queryText(query, name);
  if (text === undefined) return undefined;
  if (/^[+-]?\d{1,9}$/.test(text)) return Number(text);
  throw apiFault('QUERY_INVALID', `The value '${shown(text)}' is not an integer for ${collection}.`);
}

/** Cuts a malformed value for its error message. */
function shown(text: string): string {
  return text.slice(0, 256);
}
