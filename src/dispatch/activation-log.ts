/** The log of an activation that has ended, and the format of its lines, which is OpenWhisk's. */

const comma = 0x2c;

export const streamNames = ['stdout', 'stderr'] as const;
export type StreamName = (typeof streamNames)[number];

/**
 * Why a log may lack lines: it reached its limit, nothing marked its end, or the node or server that had it is gone.
 */
export const partialLogs = ['cut', 'incomplete', 'lost'] as const;
export type PartialLog = (typeof partialLogs)[number];

/** The lines of a log. A long or partial log has the form in which it is stored, so that nothing has to be converted. */
export type ActivationLog = readonly string[] | LongLog;

/** JSON strings in UTF-8, each followed by a comma. Takes little memory for a long log and is ready to be stored. */
export type PackedLines = Buffer<ArrayBuffer>;

/** In order. The receiver owns the packed parts that have memory of their own. Several logs may share the others. */
export interface LongLog {
  readonly parts: readonly (readonly string[] | PackedLines)[];
  /** An older node does not say. */
  readonly partial?: PartialLog | undefined;
}

export function isLongLog(log: ActivationLog): log is LongLog {
  return 'parts' in log;
}

/** Undefined: it has all lines, as far as is known. */
export function partialOf(log: ActivationLog): PartialLog | undefined {
  return isLongLog(log) ? log.partial : undefined;
}

/** Appends a line. */
export function withLine(log: ActivationLog, line: string): ActivationLog {
  return isLongLog(log) ? { ...log, parts: [...log.parts, [line]] } : [...log, line];
}

/**
 * Stands for a log that no one has any more. With a limit of 0 there was none.
 * @param lines what to say in its place
 */
export function lostLog(
  { logBytes }: { readonly logBytes: number },
  lines: readonly string[] = [],
): ActivationLog {
  return logBytes === 0 ? [] : { parts: [lines], partial: 'lost' };
}

/** Returns the last lines. Unpacks only the parts of a long log that hold them. */
export function lastLinesOf(log: ActivationLog, count: number): readonly string[] {
  if (!isLongLog(log)) return log.slice(-count);
  const lines: string[] = [];
  for (let at = log.parts.length - 1; at >= 0 && lines.length < count; at--) {
    const part = log.parts[at];
    if (part !== undefined) lines.unshift(...unpackLines(part));
  }
  return lines.slice(-count);
}

/** Unpacks all lines. Costs a long log the memory that packing saved. */
export function linesOf(log: ActivationLog): readonly string[] {
  return isLongLog(log) ? log.parts.flatMap(unpackLines) : log;
}

/** OpenWhisk's log line: an ISO time with nine fractional digits, the stream, the text. */
export function formatLine(name: StreamName, text: string, micros = nowMicros()): string {
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return `${secondsText(Math.floor(micros / 1_000_000))}.${fraction}000Z ${name}: ${text}`;
}

export function packLines(lines: readonly string[]): PackedLines {
  return Buffer.from(`${JSON.stringify(lines).slice(1, -1)},`);
}

/** Packs lines for several logs: in a part of a larger buffer, so that a receiver copies it. */
export function packSharedLines(lines: readonly string[]): PackedLines {
  const packed = Buffer.from(JSON.stringify(lines));
  packed[packed.length - 1] = comma;
  return packed.subarray(1);
}

export function unpackLines(lines: readonly string[] | PackedLines): readonly string[] {
  return Buffer.isBuffer(lines) ? JSON.parse(`[${lines.toString('utf8', 0, lines.length - 1)}]`) : lines;
}

export function nowMicros(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}

/** Cached, because a flood of log output has thousands of lines per second. */
let lastSeconds = { at: Number.NaN, text: '' };

function secondsText(at: number): string {
  if (lastSeconds.at !== at) lastSeconds = { at, text: new Date(at * 1000).toISOString().slice(0, 19) };
  return lastSeconds.text;
}
