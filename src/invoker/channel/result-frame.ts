/**
 * A large result, taken out of its frame as the sandbox has written it: serialising it again would take longer than
 * all that is done with it besides.
 */
import { isUtf8 } from 'node:buffer';
import type { JsonObject, JsonValue } from '../../lib/index.ts';

/** A result's JSON as text and as bytes. */
export interface Serialised {
  readonly json: string;
  readonly utf8: Buffer<ArrayBuffer>;
}

export interface ResultFrame {
  /** The whole frame, parsed. */
  readonly message: JsonObject;
  readonly result: Serialised;
}

/** What stands before the value, as the runners of Ward write it. All of it is ASCII. */
const envelope =
  /^\{"type":"result"(,"quiet":true)?(,"late":true)?(?:,"next":"([0-9a-f]+)")?,"id":"([0-9a-f]+)","ok":true,"value":(?=[[{])/;

/**
 * Undefined when it is something else, or written in another way: then it is to be read as any other frame.
 * @param text what `bytes` hold
 * @throws SyntaxError
 */
export function resultIn(text: string, bytes: Buffer<ArrayBuffer>): ResultFrame | undefined {
  const match = envelope.exec(text);
  if (!match || !text.endsWith('}') || !isUtf8(bytes)) return undefined;
  const [{ length }, quiet, late, next, id] = match;
  const json = text.slice(length, -1);
  const value: JsonValue = JSON.parse(json);
  return {
    message: { ...flagsOf(quiet, late, next), type: 'result', id, ok: true, value },
    result: { json, utf8: bytes.subarray(length, -1) },
  };
}

function flagsOf(quiet: string | undefined, late: string | undefined, next: string | undefined): JsonObject {
  return { quiet: quiet !== undefined, late: late !== undefined, ...(next === undefined ? {} : { next }) };
}
