/**
 * Turns what a sandbox writes to stdout and stderr into the log lines of its activations. The runner ends
 * each activation with a sentinel line on both streams, or says that it wrote nothing; lines belong to every
 * activation that is open when they arrive, which is one, unless the action allows concurrency.
 *
 * The streams are always read to their end, so that a flood can't stall the sandbox on a full pipe; what is
 * past an activation's limit is counted and dropped. A line longer than `maxLineBytes` is cut into several.
 */
import type { Readable } from 'node:stream';

/** OpenWhisk's end-of-activation marker (docs/actions-new.md). */
export const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';

/** How long a sentinel is waited for after the answer. */
export const logGraceMs = 1000;

const sentinelBytes = Buffer.from(sentinel);
const maxLineBytes = 64 * 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;

export const missingSentinelText =
  'The action did not initialize or run as expected. Log data might be missing.';

/** The log of one activation, while it is open. */
export interface LogSink {
  /**
   * The activation has answered: its log is complete when both streams have shown its sentinel, or have
   * ended, or `graceMs` have passed. A quiet one has no sentinel: what it may have written past the runner's
   * own streams was in the pipes before the answer, so one more look at them is enough.
   */
  finish(isQuiet: boolean, graceMs: number): Promise<readonly string[]>;
}

export interface LogStreams {
  /** `isAlone`: no other activation runs in the sandbox until this one has answered. */
  open(limitBytes: number, isAlone: boolean): LogSink;
}

export function readLogStreams(stdout: Readable, stderr: Readable): LogStreams {
  const state: State = {
    open: new Set(),
    finished: 0,
    ends: { stdout: 0, stderr: 0 },
    closed: { stdout: false, stderr: false },
  };
  follow(stdout, 'stdout', state);
  follow(stderr, 'stderr', state);
  return { open: (limitBytes, isAlone) => openSink(state, limitBytes, isAlone) };
}

type StreamName = 'stdout' | 'stderr';

/**
 * The n-th answer that is not quiet comes after the n-th sentinel on each stream. So a line that arrives when a
 * stream has shown c sentinels belongs to the sinks with `from` ≤ c < `until`; of those that run alone, to the
 * latest.
 */
interface State {
  readonly open: Set<Sink>;
  /** Activations that have answered and were not quiet. */
  finished: number;
  /** Sentinels seen. */
  readonly ends: Record<StreamName, number>;
  readonly closed: Record<StreamName, boolean>;
}

interface Sink {
  readonly lines: string[];
  readonly limitBytes: number;
  readonly isAlone: boolean;
  readonly from: number;
  /** Infinity while it is not known which answer will be this activation's. */
  until: number;
  bytes: number;
  truncated: boolean;
  settle: (() => void) | undefined;
}

function openSink(state: State, limitBytes: number, isAlone: boolean): LogSink {
  if (isAlone || state.open.size === 0) forgiveForgedSentinels(state);
  const sink: Sink = {
    lines: [],
    limitBytes,
    isAlone,
    from: state.finished,
    until: isAlone ? state.finished + 1 : Number.POSITIVE_INFINITY,
    bytes: 0,
    truncated: false,
    settle: undefined,
  };
  state.open.add(sink);
  return {
    finish: (isQuiet, graceMs) => (isQuiet ? finishQuietly(state, sink) : finishSink(state, sink, graceMs)),
  };
}

/** User code may print the sentinel itself; it must not shift the logs of all later activations. */
function forgiveForgedSentinels(state: State): void {
  state.ends.stdout = Math.min(state.ends.stdout, state.finished);
  state.ends.stderr = Math.min(state.ends.stderr, state.finished);
}

async function finishSink(state: State, sink: Sink, graceMs: number): Promise<readonly string[]> {
  state.finished++;
  sink.until = Math.min(sink.until, state.finished);
  if (!isComplete(state, sink)) await completion(sink, graceMs);
  state.open.delete(sink);
  if (sink.limitBytes === 0) return [];
  const sawBoth = state.ends.stdout >= sink.until && state.ends.stderr >= sink.until;
  if (sink.truncated) sink.lines.push(format('stderr', truncatedText(sink.limitBytes)));
  else if (!sawBoth) sink.lines.push(format('stderr', missingSentinelText));
  return sink.lines;
}

/** The event loop reports streams in the order in which they became readable: one more turn has seen them all. */
async function finishQuietly(state: State, sink: Sink): Promise<readonly string[]> {
  await new Promise(setImmediate);
  state.open.delete(sink);
  if (sink.truncated) sink.lines.push(format('stderr', truncatedText(sink.limitBytes)));
  return sink.lines;
}

function completion(sink: Sink, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, graceMs);
    sink.settle = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

function truncatedText(limitBytes: number): string {
  return `Logs were truncated because the total bytes size exceeds the limit of ${limitBytes} bytes.`;
}

function follow(stream: Readable, name: StreamName, state: State): void {
  let partial: Buffer[] = [];
  let partialBytes = 0;
  const take = (tail: Buffer): Buffer => {
    const line = partial.length === 0 ? tail : Buffer.concat([...partial, tail]);
    partial = [];
    partialBytes = 0;
    return line;
  };
  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      onLine(state, name, take(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start === chunk.length) return;
    partial.push(chunk.subarray(start));
    partialBytes += chunk.length - start;
    if (partialBytes >= maxLineBytes) onLine(state, name, take(Buffer.alloc(0)));
  });
  const close = () => {
    if (state.closed[name]) return;
    if (partialBytes > 0) onLine(state, name, take(Buffer.alloc(0)));
    state.closed[name] = true;
    settleComplete(state);
  };
  stream.once('end', close);
  stream.once('close', close);
  stream.on('error', close);
}

function onLine(state: State, name: StreamName, line: Buffer): void {
  if (line.length === sentinelBytes.length && line.equals(sentinelBytes)) {
    state.ends[name]++;
    settleComplete(state);
    return;
  }
  const count = state.ends[name];
  let latestAlone: Sink | undefined;
  for (const sink of state.open) {
    if (count < sink.from || count >= sink.until) continue;
    if (sink.isAlone) latestAlone = sink;
    else append(sink, name, line);
  }
  if (latestAlone) append(latestAlone, name, line);
}

function append(sink: Sink, name: StreamName, line: Buffer): void {
  if (sink.truncated || sink.limitBytes === 0) return;
  sink.bytes += line.length + 1;
  if (sink.bytes > sink.limitBytes) {
    sink.truncated = true;
    return;
  }
  const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
  sink.lines.push(format(name, line.toString('utf8', 0, end)));
}

function settleComplete(state: State): void {
  for (const sink of state.open) if (isComplete(state, sink)) sink.settle?.();
}

function isComplete(state: State, sink: Sink): boolean {
  return (
    (state.closed.stdout || state.ends.stdout >= sink.until) &&
    (state.closed.stderr || state.ends.stderr >= sink.until)
  );
}

/** OpenWhisk's log line: an ISO time with nine fractional digits, the stream, the text. */
function format(name: StreamName, text: string): string {
  const micros = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  const seconds = new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19);
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return `${seconds}.${fraction}000Z ${name}: ${text}`;
}
