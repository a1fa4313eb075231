/**
 * The result of an activation. A large result is kept only as the bytes that arrived. Most results are passed on
 * unread, and a string and a value of each would be most of the garbage collector's work.
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
  /**
   * JSON. Belongs to the store once it is stored, and is empty from then on; read it as soon as the record exists.
   */
  readonly utf8: Buffer<ArrayBuffer>;
}

export function resultOf({ result, json, utf8 }: Pick<Completion, 'result' | 'json' | 'utf8'>): Result {
  return utf8 === undefined ? { value: result, json } : { utf8 };
}

/** Parses a large result each time. */
export function readResult(result: Result): SmallResult {
  if (!('utf8' in result)) return result;
  const json = jsonOf(result);
  return { value: JSON.parse(json), json };
}

/** Decodes a large result each time. */
export function jsonOf(result: Result): string {
  return 'utf8' in result ? bytesOf(result).toString() : result.json;
}

export function isArrayResult(result: Result): boolean {
  return 'utf8' in result ? bytesOf(result)[0] === openingBracket : result.json.startsWith('[');
}

/** Embeds the result in other JSON: a string, or bytes in memory of their own. */
export function embedded(head: string, result: Result, end: string): string | Buffer<ArrayBuffer> {
  if (!('utf8' in result)) return `${head}${result.json}${end}`;
  return pieceOf([Buffer.from(head), bytesOf(result), Buffer.from(end)]);
}

const openingBracket = '['.charCodeAt(0);

/** @throws TypeError when the store owns it */
export function bytesOf({ utf8 }: LargeResult): Buffer<ArrayBuffer> {
  if (utf8.length === 0) throw new TypeError('a result was to be read before the store had it');
  return utf8;
}
