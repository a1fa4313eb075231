/** Log lines as they are kept: in OpenWhisk's format and cut at a limit. Cut lines and bytes are counted exactly. */
import {
  type ActivationLog,
  formatLine,
  nowMicros,
  type PackedLines,
  type PartialLog,
  packLines,
  type StreamName,
  unpackLines,
} from '../../dispatch/index.ts';

const maxLineBytes = 64 * 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;
/** Length of what `formatLine` adds: the time, the stream and the separators. */
const prefixLength = '2026-01-01T10:00:00.123456000Z stdout: '.length;

let lastReading = 0;

/** Returns microseconds since 1970, strictly increasing. Lines are put in order by it. */
export function timeOfReading(): number {
  lastReading = Math.max(lastReading + 1, nowMicros());
  return lastReading;
}

/** Lines of one stream that arrived together, packed if there are many. */
export interface LineRun {
  /** Microseconds since 1970. */
  readonly at: number;
  readonly lines: readonly string[] | PackedLines;
  /** What each line counts against the limit, in bytes: with its time, its stream and its line end. */
  readonly sizes: readonly number[];
  /** Sum of `sizes`. */
  readonly bytes: number;
}

/** A run that reaches this size ends and is packed. */
const packedBytes = 16 * 1024;

/** The lines of one stream. Lines past the limit are counted but not kept. */
export class Lines {
  /** Counts all lines, kept or not. */
  count = 0;
  bytes = 0;
  readonly #pack: (lines: readonly string[]) => PackedLines;
  readonly #ended: LineRun[] = [];
  #open: { at: number; bytes: number; texts: string[]; sizes: number[] } | undefined;

  /** @param pack makes the packed form of a run */
  constructor(pack = packLines) {
    this.#pack = pack;
  }

  /**
   * Adds a line and returns it as it is kept; undefined if it is past the limit.
   * @param at when it was read, in microseconds
   */
  add(name: StreamName, line: Buffer, at: number, limitBytes: number): string | undefined {
    const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
    // An empty line counts with its time and stream, too.
    const bytes = prefixLength + end + 1;
    this.count++;
    this.bytes += bytes;
    if (this.bytes > limitBytes) return undefined;
    if (this.#open?.at !== at || this.#open.bytes >= packedBytes) this.#endRun();
    this.#open ??= { at, bytes: 0, texts: [], sizes: [] };
    const text = formatLine(name, line.toString('utf8', 0, end), at);
    this.#open.texts.push(text);
    this.#open.sizes.push(bytes);
    this.#open.bytes += bytes;
    return text;
  }

  append(other: Lines): void {
    for (const run of other.runs()) this.#ended.push(run);
    this.count += other.count;
    this.bytes += other.bytes;
  }

  /** Adds lines that other logs get, too. Returns those that are kept; the rest is past the limit. */
  share(other: Lines, limitBytes: number): readonly LineRun[] {
    const roomBytes = limitBytes - this.bytes;
    const runs = other.bytes <= roomBytes ? other.runs() : beginningOf(other.runs(), roomBytes);
    this.count += other.count;
    this.bytes += other.bytes;
    this.#endRun();
    for (const run of runs) this.#ended.push(run);
    return runs;
  }

  /** The kept lines, in order. */
  runs(): readonly LineRun[] {
    this.#endRun();
    return this.#ended;
  }

  #endRun(): void {
    if (this.#open === undefined) return;
    const { at, bytes, texts, sizes } = this.#open;
    this.#ended.push({ at, lines: bytes >= packedBytes ? this.#pack(texts) : texts, sizes, bytes });
    this.#open = undefined;
  }
}

/** A log that is cut at its limit. */
export interface CutLog {
  readonly runs: readonly LineRun[];
  /** What was cut, in OpenWhisk's words and in numbers; undefined if nothing was. */
  readonly note: string | undefined;
}

/** Merges both streams by time. */
export function cutLog(stdout: Lines, stderr: Lines, limitBytes: number): CutLog {
  const all = inOrderOfTime(stdout.runs(), stderr.runs());
  const total = stdout.bytes + stderr.bytes;
  if (total <= limitBytes) return { runs: all, note: undefined };
  const runs = beginningOf(all, limitBytes);
  const bytes = bytesOf(runs);
  const kept = countOf(runs);
  const cut = `Logs were truncated because the total bytes size exceeds the limit of ${limitBytes} bytes.`;
  const left = `Left out: lines ${stdout.count + stderr.count - kept}, bytes ${total - bytes}.`;
  return { runs, note: formatLine('stderr', `${cut} ${left}`) };
}

/** The first lines that fit into `limitBytes`. */
function beginningOf(all: readonly LineRun[], limitBytes: number): readonly LineRun[] {
  const runs: LineRun[] = [];
  let bytes = 0;
  for (const run of all) {
    const fitting = bytes + run.bytes > limitBytes ? beginningOfRun(run, limitBytes - bytes) : run;
    if (fitting.sizes.length > 0) runs.push(fitting);
    bytes += fitting.bytes;
    if (fitting !== run) break;
  }
  return runs;
}

function beginningOfRun({ at, lines, sizes }: LineRun, limitBytes: number): LineRun {
  let [count, bytes] = [0, 0];
  for (const size of sizes) {
    if (bytes + size > limitBytes) break;
    bytes += size;
    count++;
  }
  const fitting = count === 0 ? [] : unpackLines(lines).slice(0, count);
  return { at, lines: fitting, sizes: sizes.slice(0, count), bytes };
}

/** A log within both limits is not long. */
const shortLines = 1000;
const shortBytes = 256 * 1024;

/**
 * Joins runs to a log.
 * @param notes Ward's own lines at its end
 */
export function logOf(
  runs: readonly LineRun[],
  notes: readonly string[],
  partial: PartialLog | undefined,
): ActivationLog {
  const parts = [...runs.map(({ lines }) => lines), notes];
  const isLong = countOf(runs) > shortLines || bytesOf(runs) > shortBytes;
  return isLong || partial !== undefined ? { parts, partial } : parts.flatMap(unpackLines);
}

export function countOf(runs: readonly LineRun[]): number {
  return runs.reduce((sum, { sizes }) => sum + sizes.length, 0);
}

function bytesOf(runs: readonly LineRun[]): number {
  return runs.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Merges two lists that are in order already. */
export function inOrderOfTime(first: readonly LineRun[], second: readonly LineRun[]): readonly LineRun[] {
  if (second.length === 0) return first;
  const merged: LineRun[] = [];
  let [a, b] = [0, 0];
  for (;;) {
    const [left, right] = [first[a], second[b]];
    if (left !== undefined && (right === undefined || left.at <= right.at)) {
      merged.push(left);
      a++;
    } else if (right !== undefined) {
      merged.push(right);
      b++;
    } else return merged;
  }
}

/** Cuts a byte stream into lines, independent of its chunks. A line that is too long becomes several. */
export class LineReader {
  readonly #onLine: (line: Buffer, isContinued: boolean) => void;
  #isContinued = false;
  #partial: Buffer[] = [];
  #partialBytes = 0;

  /** @param onLine also learns whether the line is the rest of one that was too long */
  constructor(onLine: (line: Buffer, isContinued: boolean) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      this.#emit(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) return;
    this.#partial.push(chunk.subarray(start));
    this.#partialBytes += chunk.length - start;
    if (this.#partialBytes < maxLineBytes) return;
    this.#emit(Buffer.alloc(0));
    this.#isContinued = true;
  }

  end(): void {
    if (this.#partialBytes > 0) this.#emit(Buffer.alloc(0));
  }

  #emit(tail: Buffer): void {
    const line = this.#partial.length === 0 ? tail : Buffer.concat([...this.#partial, tail]);
    this.#partial = [];
    this.#partialBytes = 0;
    const isContinued = this.#isContinued;
    this.#isContinued = false;
    this.#onLine(line, isContinued);
  }
}
