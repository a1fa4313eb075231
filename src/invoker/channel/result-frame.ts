/**
 * Takes a large result out of its frame without serialising it again, which would take longer than all the other work
 * on it.
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

/** What precedes the value, as Ward's runners write it. ASCII only. */
const envelope =
  /^\{"type":"result"(,"quiet":true)?(,"late":true)?(?:,"next":"([0-9a-f]+)")?,"id":"([0-9a-f]+)","ok":true,"value":(?=[[{])/;

/**
 * Undefined if the frame is something else or is written differently; then read it like any other frame.
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
