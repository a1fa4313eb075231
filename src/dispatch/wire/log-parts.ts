/** A log on the wire: its lines as JSON strings, each followed by a comma, as long logs are in memory and on disk. */
import { isUtf8 } from 'node:buffer';
import { hasMoreValuesThan } from '../../lib/index.ts';
import {
  type ActivationLog,
  isLongLog,
  type PackedLines,
  type PartialLog,
  packLines,
  partialOf,
} from '../activation-log.ts';
import { invalid } from './frames.ts';
import { linesSchema, parsed } from './heads.ts';

/** Neighbouring parts are joined up to this size, so that a log with many small parts is few messages. */
const joinedBytes = 256 * 1024;

interface LogParts {
  readonly isLong: boolean;
  /** Only of a long one. */
  readonly partial?: PartialLog | undefined;
  /** At least one. */
  readonly parts: readonly Buffer[];
}

export function toParts(log: ActivationLog): LogParts {
  const isLong = isLongLog(log);
  const packed = (isLong ? log.parts : [log]).map((part) =>
    Buffer.isBuffer(part)
      ? part
      : (part as readonly string[]).length === 0
        ? empty
        : packLines(part as readonly string[]),
  );
  const partial = partialOf(log);
  return { isLong, ...(partial && { partial }), parts: joined(packed) };
}

/** @throws Fault MESSAGE_INVALID */
export function fromParts({ isLong, partial, parts }: LogParts): ActivationLog {
  const lines = parts.map(linesOf);
  // Copies, because the parts share memory with other messages.
  return isLong ? { parts: parts.map((part): PackedLines => Buffer.from(part)), partial } : lines.flat();
}

const empty = Buffer.alloc(0);
/** A line begins with its time and its stream. A shorter one would take many times its bytes as a string. */
const leastLineBytes = 32;
/** Of any length, for each part. */
const mostShortLines = 1_000;

function joined(parts: readonly Buffer[]): readonly Buffer[] {
  const groups: Buffer[][] = [[]];
  let bytes = 0;
  for (const part of parts) {
    if (bytes > 0 && bytes + part.length > joinedBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(part);
    bytes += part.length;
  }
  return groups.map((group) => (group.length === 1 ? (group[0] ?? empty) : Buffer.concat(group)));
}

/** Checks the bytes of a packed part as well: they go into the record as they are. */
function linesOf(part: Buffer): readonly string[] {
  if (part.length === 0) return [];
  if (!isUtf8(part) || part.at(-1) !== 0x2c) throw invalid('its log is not a list of lines');
  const text = `[${part.toString('utf8', 0, part.length - 1)}]`;
  if (hasMoreValuesThan(text, mostShortLines + part.length / leastLineBytes))
    throw invalid('its log has too many lines for its length');
  try {
    return parsed(linesSchema, JSON.parse(text));
  } catch {
    throw invalid('its log is not a list of lines');
  }
}
