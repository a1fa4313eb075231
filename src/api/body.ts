/**
 * Reads JSON bodies. It checks depth and number of values on the bytes, before a parser sees them. A key such as `__proto__`
 * becomes an ordinary key, because all callers build objects by definition, never by assignment. It checks large bodies a
 * slice at a time, so that other requests get their turn in between.
 */
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { malformed } from '../functions/index.ts';
import { messageOf } from '../lib/index.ts';
import { apiFault } from './faults.ts';

const maxDepth = 500;
/** A value takes two bytes of the body or more, and costs the parser time and up to 60 bytes. A mebibyte holds half as many. */
const maxValues = 1_000_000;
const sliceBytes = 4 * 1024 * 1024;

/** Makes JSON the only content type; an empty body is `undefined`. */
export function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
    if (bytes.length > sliceBytes) {
      parseLargeJson(bytes).then((value) => done(null, value), done);
      return;
    }
    try {
      done(null, parseJson(bytes));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/**
 * The body of a request in the form of a schema.
 * @param wanted what the client must send; without it, the error names the first mistake
 * @throws Fault BODY_INVALID
 */
export function bodyOf<T>({ body }: FastifyRequest, schema: z.ZodType<T>, wanted?: string): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw malformed(wanted ?? `${issue?.path.join('.') || 'the body'}: ${issue?.message}`);
}

/** @throws Fault BODY_NOT_JSON, BODY_TOO_DEEP, BODY_TOO_MANY_VALUES */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  checkShape(body, begin, body.length);
  return parse(body);
}

/** As `parseJson`, with pauses. */
export async function parseLargeJson(body: Buffer): Promise<unknown> {
  let scan = begin;
  while (scan.at < body.length) {
    scan = checkShape(body, scan, Math.min(body.length, scan.at + sliceBytes));
    await setImmediate();
  }
  return parse(body);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw apiFault('BODY_NOT_JSON', `The request content was malformed:\n${messageOf(cause)}`, { cause });
  }
}

/** State of the check of a body. */
interface Scan {
  readonly at: number;
  readonly depth: number;
  /** Number of opening brackets and commas; the body has at most one more value. */
  readonly values: number;
  readonly inString: boolean;
}

const begin: Scan = { at: 0, depth: 0, values: 0, inString: false };

/** @throws Fault BODY_TOO_DEEP, BODY_TOO_MANY_VALUES */
function checkShape(body: Buffer, from: Scan, to: number): Scan {
  let { at, depth, values, inString } = from;
  for (; at < to; at++) {
    const byte = body[at];
    if (inString) {
      if (byte === 0x22) inString = false;
      else if (byte === 0x5c) at++;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) throw tooDeep();
      if (++values > maxValues) throw tooMany();
    } else if (byte === 0x2c) {
      if (++values > maxValues) throw tooMany();
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return { at, depth, values, inString };
}

function tooMany() {
  return apiFault(
    'BODY_TOO_MANY_VALUES',
    `The request content was malformed:\nit has more than ${maxValues} values`,
  );
}

function tooDeep() {
  return apiFault(
    'BODY_TOO_DEEP',
    `The request content was malformed:\nit nests deeper than ${maxDepth} levels`,
  );
}
