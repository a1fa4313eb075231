/**
 * Turns what a sandbox writes to stdout and stderr into the log lines of its activations. The runner ends an
 * activation with a sentinel line that names it, on both streams, or says that it logged nothing.
 *
 * One at a time (the default), the lines before a sentinel are that activation's, however many activations the
 * sandbox has done by the time they are read. Where an action allows concurrency, a line is everybody's who is open.
 *
 * The streams are always read to their end, so that a flood can't stall the sandbox on a full pipe; what is past
 * the limit is counted and dropped. A line longer than `maxLineBytes` is cut into several.
 */
import type { Readable } from 'node:stream';

/** OpenWhisk's end-of-activation marker (docs/actions-new.md); here a blank and the activation's id follow it. */
export const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';

/** How long a sentinel is waited for after the answer. */
const graceMs = 1000;
const sentinelBytes = Buffer.from(`${sentinel} `);
const maxLineBytes = 64 * 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;

export const missingSentinelText =
  'The action did not initialize or run as expected. Log data might be missing.';

/** The log of one activation, while it is open. */
export interface LogSink {
  /**
   * The activation has answered, or has failed: its lines, once both streams have shown its sentinel or have ended,
   * or a second has passed. A quiet one has no sentinel; what was written past the runner's own streams is taken as
   * it is.
   */
  finish(isQuiet: boolean): Promise<readonly string[]>;
}

const streamNames = ['stdout', 'stderr'] as const;
type StreamName = (typeof streamNames)[number];

interface Sink {
  readonly id: string;
  readonly lines: Record<StreamName, Lines>;
  readonly hasEnded: Record<StreamName, boolean>;
  settle: (() => void) | undefined;
}

export class LogStreams {
  /** Bytes of one activation's log; 0 keeps none. */
  limitBytes = Number.POSITIVE_INFINITY;
  isConcurrent = false;
  private readonly sinks = new Map<string, Sink>();
  /** Lines that no sentinel has claimed yet. */
  private readonly unclaimed: Record<StreamName, Lines> = { stdout: new Lines(), stderr: new Lines() };
  private readonly closed: Record<StreamName, boolean> = { stdout: false, stderr: false };

  constructor(stdout: Readable, stderr: Readable) {
    this.follow(stdout, 'stdout');
    this.follow(stderr, 'stderr');
  }

  open(id: string): LogSink {
    const sink: Sink = {
      id,
      lines: { stdout: new Lines(), stderr: new Lines() },
      hasEnded: { stdout: false, stderr: false },
      settle: undefined,
    };
    // What was written after an answer is nobody's.
    if (this.sinks.size === 0) for (const name of streamNames) this.unclaimed[name] = new Lines();
    this.sinks.set(id, sink);
    return { finish: (isQuiet) => this.finish(sink, isQuiet) };
  }

  private async finish(sink: Sink, isQuiet: boolean): Promise<readonly string[]> {
    if (!isQuiet && !this.isComplete(sink)) await sentinelOf(sink);
    const isMissing = !isQuiet && !(sink.hasEnded.stdout && sink.hasEnded.stderr);
    // What a sentinel has not claimed is somebody else's, if there is anybody else.
    if (this.sinks.size === 1)
      for (const name of streamNames) if (!sink.hasEnded[name]) this.claim(sink, name);
    this.sinks.delete(sink.id);
    if (this.limitBytes === 0) return [];
    return [...this.merged(sink), ...(isMissing ? [format('stderr', missingSentinelText)] : [])];
  }

  /** Both streams in the order of time, cut at the limit. */
  private merged({ lines: { stdout, stderr } }: Sink): string[] {
    const all = inOrderOfTime(stdout.texts, stderr.texts);
    if (stdout.bytes + stderr.bytes <= this.limitBytes) return all;
    let bytes = 0;
    const fitting = all.findIndex((line) => {
      bytes += Buffer.byteLength(line) + 1;
      return bytes > this.limitBytes;
    });
    const text = `Logs were truncated because the total bytes size exceeds the limit of ${this.limitBytes} bytes.`;
    return [...all.slice(0, fitting < 0 ? all.length : fitting), format('stderr', text)];
  }

  private claim(sink: Sink, name: StreamName): void {
    if (this.isConcurrent) return;
    sink.lines[name].append(this.unclaimed[name]);
    this.unclaimed[name] = new Lines();
  }

  private follow(stream: Readable, name: StreamName): void {
    const lines = new LineReader((line) => this.onLine(name, line));
    stream.on('data', (chunk: Buffer) => lines.push(chunk));
    const close = () => {
      if (this.closed[name]) return;
      lines.end();
      this.closed[name] = true;
      this.settleComplete();
    };
    stream.once('end', close);
    stream.once('close', close);
    stream.on('error', close);
  }

  private onLine(name: StreamName, line: Buffer): void {
    const sink = this.endedBy(line);
    if (sink) {
      this.claim(sink, name);
      sink.hasEnded[name] = true;
      this.settleComplete();
    } else if (!this.isConcurrent) this.unclaimed[name].add(name, line, this.limitBytes);
    else for (const each of this.sinks.values()) each.lines[name].add(name, line, this.limitBytes);
  }

  /** A child process may have left half a line in front of the sentinel: then that half is lost, and no more. */
  private endedBy(line: Buffer): Sink | undefined {
    const at = line.length < sentinelBytes.length ? -1 : line.lastIndexOf(sentinelBytes);
    return at < 0 ? undefined : this.sinks.get(line.toString('latin1', at + sentinelBytes.length));
  }

  private isComplete({ hasEnded }: Sink): boolean {
    return (this.closed.stdout || hasEnded.stdout) && (this.closed.stderr || hasEnded.stderr);
  }

  private settleComplete(): void {
    for (const sink of this.sinks.values()) if (this.isComplete(sink)) sink.settle?.();
  }
}

function sentinelOf(sink: Sink): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, graceMs);
    sink.settle = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Each is in order already, and a line begins with its time. */
function inOrderOfTime(first: readonly string[], second: readonly string[]): string[] {
  const merged: string[] = [];
  let [a, b] = [0, 0];
  while (a < first.length || b < second.length) {
    const [left, right] = [first[a], second[b]];
    const isLeft = right === undefined || (left !== undefined && left <= right);
    merged.push((isLeft ? left : right) ?? '');
    if (isLeft) a++;
    else b++;
  }
  return merged;
}

/** Lines with the bytes they stand for: those past the limit are counted and not kept. */
class Lines {
  readonly texts: string[] = [];
  bytes = 0;

  add(name: StreamName, line: Buffer, limitBytes: number): void {
    // As it is kept: an empty line costs its time and its stream too.
    this.bytes += prefixLength + line.length + 1;
    if (this.bytes > limitBytes) return;
    const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
    this.texts.push(format(name, line.toString('utf8', 0, end)));
  }

  append(other: Lines): void {
    for (const text of other.texts) this.texts.push(text);
    this.bytes += other.bytes;
  }
}

/** Cuts a byte stream into lines, whatever its chunks. */
class LineReader {
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

/** Of a line that `format` made: the time, the stream and what separates them. */
const prefixLength = '2026-01-01T10:00:00.123456000Z stdout: '.length;

/** OpenWhisk's log line: an ISO time with nine fractional digits, the stream, the text. */
function format(name: StreamName, text: string): string {
  const micros = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  const seconds = new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19);
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return `${seconds}.${fraction}000Z ${name}: ${text}`;
}
