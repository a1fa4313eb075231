/**
 * Reads the headers of an action's result. None may break the framing of the answer or inject another answer: one malformed
 * name or value invalidates the whole result, and the server's own headers are left out.
 */
import type { JsonValue } from '../../lib/index.ts';
import { isJsonObject } from '../../lib/index.ts';
import { isSessionCookie } from '../session-cookies.ts';
import type { AnswerHeaders } from './answer.ts';

/**
 * The server's own headers, as in OpenWhisk: programs that were written as servers often return them.
 * `service-worker-allowed` would let the page of one action speak for all of them, and `clear-site-data` would end
 * the sessions of the console, as cookies of its names would replace them.
 */
const serversOwn = new Set([
  'clear-site-data',
  'connection',
  'content-length',
  'date',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'server',
  'service-worker-allowed',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-openwhisk-activation-id',
  'x-request-id',
  'x-ward-fault',
]);

const token = /^[\w!#$%&'*+.^`|~-]{1,256}$/;
/** No control characters except the tab; bytes past ASCII as Latin-1, which HTTP sends. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;
const maxHeaders = 200;
const maxBytes = 32 * 1024;

/** Returns undefined for values that can't be headers. */
export function resultHeaders(value: JsonValue | undefined): AnswerHeaders | undefined {
  if (value === undefined) return {};
  if (!isJsonObject(value)) return undefined;
  const headers = new Map<string, string[]>();
  let left = { headers: maxHeaders, bytes: maxBytes };
  for (const [name, each] of Object.entries(value)) {
    const values = each === undefined ? undefined : valuesOf(each, left.headers);
    if (!token.test(name) || values === undefined || !values.every((text) => fieldValue.test(text)))
      return undefined;
    const bytes = values.reduce((sum, text) => sum + name.length + text.length, 0);
    left = { headers: left.headers - values.length, bytes: left.bytes - bytes };
    if (left.headers < 0 || left.bytes < 0) return undefined;
    const key = name.toLowerCase();
    if (serversOwn.has(key)) continue;
    const own = key === 'set-cookie' ? values.filter((text) => !isSessionCookie(text)) : values;
    if (own.length === values.length || own.length > 0)
      headers.set(key, [...(headers.get(key) ?? []), ...own]);
  }
  return Object.fromEntries([...headers].map(([key, values]) => [key, only(values) ?? values]));
}

/** Returns numbers and booleans as text, and a list as several values. */
function valuesOf(value: JsonValue, most: number): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (!Array.isArray(value) || value.length > most) return undefined;
  const inner = value.map((each: JsonValue) => valuesOf(each, most));
  return inner.every((each) => each !== undefined) ? inner.flat() : undefined;
}

function only(values: readonly string[]): string | undefined {
  return values.length === 1 ? values[0] : undefined;
}
