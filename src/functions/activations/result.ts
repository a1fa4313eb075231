/**
 * What an activation has answered. A large result is kept as the bytes that came, and as nothing else: most are passed on
 * unread, and a text and a value of each would be most of what the garbage collector has to do.
 */
import type { Completion } from '../../dispatch/index.ts';
import type { JsonValue } from '../../lib/index.ts';
import { pieceOf } from '../../store/index.ts';

export type Result = SmallResult | LargeResult;

interface SmallResult {
  readonly value: JsonValue;
  readonly json: string;
}

interface LargeResult {
  /** JSON. The store's own once it is stored, and empty from then on: it is read as soon as the record is there. */
  readonly utf8: Buffer<ArrayBuffer>;
}

export function resultOf({ result, json, utf8 }: Pick<Completion, 'result' | 'json' | 'utf8'>): Result {
  return utf8 === undefined ? { value: result, json } : { utf8 };
}

/** Parses a large result anew each time. */
export function readResult(result: Result): SmallResult {
  if (!('utf8' in result)) return result;
  const json = jsonOf(result);
  return { value: JSON.parse(json), json };
}

/** Decodes a large result anew each time. */
export function jsonOf(result: Result): string {
  return 'utf8' in result ? bytesOf(result).toString() : result.json;
}

export function isArrayResult(result: Result): boolean {
  return 'utf8' in result ? bytesOf(result)[0] === openingBracket : result.json.startsWith('[');
}

/** Within other JSON: a text, or memory of its own. */
export function embedded(head: string, result: Result, end: string): string | Buffer<ArrayBuffer> {
  if (!('utf8' in result)) return `${head}${result.json}${end}`;
  return pieceOf([Buffer.from(head), bytesOf(result), Buffer.from(end)]);
}

const openingBracket = '['.charCodeAt(0);

/** @throws TypeError when the store has it */
export function bytesOf({ utf8 }: LargeResult): Buffer<ArrayBuffer> {
  if (utf8.length === 0) throw new TypeError('a result was to be read before the store had it');
  return utf8;
}
