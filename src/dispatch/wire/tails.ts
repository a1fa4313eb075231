/** JSON in the tail of a message. Checked as a text before a parser builds objects from it. */
import { isUtf8 } from 'node:buffer';
import { hasMoreValuesThan, type JsonValue, nestsDeeperThan } from '../../lib/index.ts';
import { invalid } from './frames.ts';
import { defaultMessageLimits } from './messages.ts';

const mebibyte = 1024 * 1024;

export interface TailLimits {
  readonly bytes: number;
  /** Each value takes far more memory than its text. Absent: as many as fit. */
  readonly values?: number;
}

export const tailLimits = {
  /** Twice what an operator can allow, because an action and a call both have parameters. */
  parameters: { bytes: 2 * 17 * mebibyte },
  environment: { bytes: 2 * 17 * mebibyte },
  /** What an operator can allow, and a little more. */
  result: { bytes: 17 * mebibyte },
  grants: { bytes: 32 * mebibyte, values: 1_000_000 },
  /** A follower has up to 4 Mi characters of unread lines, each of which takes up to six bytes in JSON. */
  lines: { bytes: 25 * mebibyte, values: 200_000 },
  /** Each node keeps those of all others. An honest invoker's are about 6 KiB, and 64 KiB at most. */
  abilities: { bytes: 128 * 1024, values: 10_000 },
} as const satisfies Readonly<Record<string, TailLimits>>;

/** @throws Fault MESSAGE_INVALID */
export function parseTail(tail: Buffer, kind: keyof typeof tailLimits): JsonValue {
  return readTail(tail, kind).value;
}

/** The value with its text. @throws Fault MESSAGE_INVALID */
export function readTail(
  tail: Buffer,
  kind: keyof typeof tailLimits,
): { readonly text: string; readonly value: JsonValue } {
  const { bytes, values = Number.POSITIVE_INFINITY }: TailLimits = tailLimits[kind];
  if (tail.length > bytes) throw invalid(`its ${kind} have ${tail.length} bytes`);
  if (!isUtf8(tail)) throw invalid(`its ${kind} are not UTF-8`);
  const text = tail.toString();
  if (nestsDeeperThan(text, defaultMessageLimits.headDepth)) throw invalid(`its ${kind} nest too deep`);
  if (hasMoreValuesThan(text, values)) throw invalid(`its ${kind} have more than ${values} values`);
  try {
    return { text, value: JSON.parse(text) };
  } catch {
    throw invalid(`its ${kind} are not JSON`);
  }
}
