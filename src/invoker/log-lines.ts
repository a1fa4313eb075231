/**
 * Log lines as they are kept: OpenWhisk's form, cut at a limit, and what is cut counted to the line and the byte.
 */

export const streamNames = ['stdout', 'stderr'] as const;
export type StreamName = (typeof streamNames)[number];

export interface LogLine {
  /** Microseconds since 1970. */
  readonly at: number;
  readonly text: string;
  /** As they count against the limit: with its time, its stream and its end. */
  readonly bytes: number;
}

const maxLineBytes = 64 * 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;
/** Of a line that `formatLine` made: the time, the stream and what separates them. */
const prefixLength = '2026-01-01T10:00:00.123456000Z stdout: '.length;

/** OpenWhisk's log line: an ISO time with nine fractional digits, the stream, the text. */
export function formatLine(name: StreamName, text: string, micros = nowMicros()): string {
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return `${secondsText(Math.floor(micros / 1_000_000))}.${fraction}000Z ${name}: ${text}`;
}

function nowMicros(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}

/** The last one that was made: a flood has thousands of lines in a second. */
let lastSeconds = { at: Number.NaN, text: '' };

function secondsText(at: number): string {
  if (lastSeconds.at !== at) lastSeconds = { at, text: new Date(at * 1000).toISOString().slice(0, 19) };
  return lastSeconds.text;
}

/** The lines of one stream: those past the limit are counted and not kept. */
export class Lines {
  readonly kept: LogLine[] = [];
  /** Of all lines, kept or not. */
  count = 0;
  bytes = 0;

  /** The line as it is kept; undefined when it is past the limit. */
  add(name: StreamName, line: Buffer, limitBytes: number): string | undefined {
    const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
    // An empty line costs its time and its stream too.
    const bytes = prefixLength + end + 1;
    this.count++;
    this.bytes += bytes;
    if (this.bytes > limitBytes) return undefined;
    const at = nowMicros();
    const text = formatLine(name, line.toString('utf8', 0, end), at);
    this.kept.push({ at, text, bytes });
    return text;
  }

  append(other: Lines): void {
    for (const line of other.kept) this.kept.push(line);
    this.count += other.count;
    this.bytes += other.bytes;
  }
}

/** A log that is cut at its limit. */
export interface CutLog {
  readonly lines: string[];
  /** What was cut, in OpenWhisk's words and in numbers; undefined when nothing was. */
  readonly note: string | undefined;
}

/** Both streams in the order of time. */
export function cutLog(stdout: Lines, stderr: Lines, limitBytes: number): CutLog {
  const all = inOrderOfTime(stdout.kept, stderr.kept);
  const total = stdout.bytes + stderr.bytes;
  if (total <= limitBytes) return { lines: all.map(({ text }) => text), note: undefined };
  const lines: string[] = [];
  let bytes = 0;
  for (const line of all) {
    if (bytes + line.bytes > limitBytes) break;
    bytes += line.bytes;
    lines.push(line.text);
  }
  const cut = `Logs were truncated because the total bytes size exceeds the limit of ${limitBytes} bytes.`;
  const left = `Left out: lines ${stdout.count + stderr.count - lines.length}, bytes ${total - bytes}.`;
  return { lines, note: formatLine('stderr', `${cut} ${left}`) };
}

/** Each is in order already. Their texts, which begin with the time, take several times as long to compare. */
export function inOrderOfTime(first: readonly LogLine[], second: readonly LogLine[]): LogLine[] {
  const merged: LogLine[] = [];
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

/** Cuts a byte stream into lines, whatever its chunks. A line that is too long becomes several. */
export class LineReader {
  private readonly onLine: (line: Buffer) => void;
  private partial: Buffer[] = [];
  private partialBytes = 0;

  constructor(onLine: (line: Buffer) => void) {
    this.onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      this.emit(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) return;
    this.partial.push(chunk.subarray(start));
    this.partialBytes += chunk.length - start;
    if (this.partialBytes >= maxLineBytes) this.emit(Buffer.alloc(0));
  }

  end(): void {
    if (this.partialBytes > 0) this.emit(Buffer.alloc(0));
  }

  private emit(tail: Buffer): void {
    const line = this.partial.length === 0 ? tail : Buffer.concat([...this.partial, tail]);
    this.partial = [];
    this.partialBytes = 0;
    this.onLine(line);
  }
}
