/**
 * Reads JSON bodies. Depth is checked on the bytes, before a parser sees them; a key such as `__proto__`
 * becomes an ordinary key, because everything above builds objects by definition, never by assignment.
 */
import type { FastifyInstance } from 'fastify';
import { messageOf } from '../lib/index.ts';
import { apiFault } from './faults.ts';

const maxDepth = 500;

const quote = 0x22;
const backslash = 0x5c;
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/** Makes JSON the only content type; an empty body is `undefined`. */
export function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJson(Buffer.isBuffer(body) ? body : Buffer.from(body)));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** @throws Fault BODY_NOT_JSON, BODY_TOO_DEEP */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (isTooDeep(body)) {
    throw apiFault(
      'BODY_TOO_DEEP',
      `The request content was malformed:\nit nests deeper than ${maxDepth} levels`,
    );
  }
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw apiFault('BODY_NOT_JSON', `The request content was malformed:\n${messageOf(cause)}`, { cause });
  }
}

/** Strings are what is long in a body: after a few bytes of one, its end is searched natively. */
const patience = 64;

function isTooDeep(body: Buffer): boolean {
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0;
    if (byte === quote) at = endOfString(body, at + 1);
    else if (opening.has(byte)) {
      if (++depth > maxDepth) return true;
    } else if (closing.has(byte)) depth--;
  }
  return false;
}

/** Where the closing quote of the string that begins at `start` is. */
function endOfString(body: Buffer, start: number): number {
  let at = start;
  let slow = start + patience;
  while (at < body.length) {
    const byte = body[at];
    if (byte === quote) return at;
    if (byte === backslash) at++;
    else if (at > slow) {
      const end = body.indexOf(quote, at);
      if (end < 0) return body.length;
      if (body[end - 1] !== backslash) return end;
      const next = body.indexOf(backslash, at);
      at = next - 1;
      slow = next + patience;
    }
    at++;
  }
  return at;
}
