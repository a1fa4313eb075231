/**
 * Turns what a sandbox writes to stdout and stderr into the log lines of its activations. The program ends an
 * activation with a sentinel line on both streams. A Ward runner names the activation in the sentinel, or says in its
 * answer that it logged nothing (`named`). OpenWhisk's own sentinel is bare, and an image may never write it
 * (`bare`).
 *
 * When calls run one at a time (the default), the lines before a sentinel belong to that activation, however many
 * activations the sandbox has finished by the time they are read. When calls run at once, the runner says which call
 * a line belongs to (`line-owners.ts`).
 *
 * The streams are always read to their end; lines past the limit are counted and dropped. A follower of a log cannot
 * slow this down. A sandbox that floods its streams is read only as fast as its namespace may use time (`intake.ts`).
 */
import type { Readable } from 'node:stream';
import {
  type ActivationLog,
  formatLine,
  type LogFollower,
  type StreamName,
  streamNames,
  unpackLines,
} from '../../dispatch/index.ts';
import type { Intake } from '../channel/intake.ts';
import { LineOwners } from './line-owners.ts';
import { LogFollowers } from './log-followers.ts';
import { cutLog, inOrderOfTime, LineReader, type LineRun, Lines, logOf, timeOfReading } from './log-lines.ts';
import { type ActivationSink, createSink, joined, type SinkContent } from './log-sink.ts';

/**
 * OpenWhisk's end-of-activation marker (docs/actions-new.md). A named one is followed by a space and the activation's
 * id.
 */
export const sentinel = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX';

export const missingSentinelText =
  'The action did not initialize or run as expected. Log data might be missing.';

export type SentinelForm = 'named' | 'bare';

/** How an activation ended, for its log. */
export interface LogEnd {
  /** It has no sentinel. Output that bypassed the runner's streams is kept. */
  readonly isQuiet: boolean;
  /** It did not end as it should. */
  readonly hasFailed?: boolean;
}

/** The log of one activation, while it is open. */
export interface LogSink {
  /**
   * Ends the log after the activation has answered or failed. Resolves to its lines once both streams have shown its
   * sentinel or have ended, or after a time limit.
   */
  finish(end: LogEnd): Promise<ActivationLog>;
  /** Like `finish`, for what is no activation of its own: its lines begin the next log that is opened. */
  carry(end: LogEnd): void;
}

/** How long to wait for a sentinel after the answer, and for the lines of an image that writes no sentinel. */
const graceMs = 1000;
/** Between them, the streams can be held back and go on. */
const graceSteps = 10;
const shortGraceMs = 20;
/** It does not count while the namespace is held back and its output is not read; but at most for this time. */
const mostHeldMs = 60_000;
const noLines: Promise<ActivationLog> = Promise.resolve([]);
const bareBytes = Buffer.from(sentinel);
const namedBytes = Buffer.from(`${sentinel} `);
const carriageReturn = 0x0d;

/** A sentinel in a line. */
interface Mark {
  /** Belongs to an activation that has already ended; so does what precedes it. */
  readonly isLate?: boolean;
  /** Offset in the line: a child process may have left half a line before it. */
  readonly at: number;
  /** The activation that it ends; undefined if there is none. */
  readonly sink: ActivationSink | undefined;
}

export class LogStreams {
  /** Limit of one activation's log, in bytes. With 0, nothing is kept. */
  limitBytes = Number.POSITIVE_INFINITY;
  /** True if calls run at once. */
  isConcurrent = false;
  readonly #form: SentinelForm;
  /** Whether the program writes sentinels; undefined while that is unknown. */
  #isMarked: boolean | undefined;
  /** The open ones, in the order in which they were opened. */
  readonly #sinks = new Map<string, ActivationSink>();
  readonly #owners = new LineOwners(this.#sinks);
  /** Lines that no sentinel has claimed yet. */
  readonly #unclaimed: Record<StreamName, Lines> = { stdout: new Lines(), stderr: new Lines() };
  #carried: Promise<SinkContent> | undefined;
  /** The activation that was closed last. */
  #lastId: string | undefined;
  readonly #closed: Record<StreamName, boolean> = { stdout: false, stderr: false };
  readonly #streams: readonly Readable[];
  #intake: Intake | undefined;

  constructor(stdout: Readable, stderr: Readable, form: SentinelForm = 'named') {
    this.#form = form;
    if (form === 'named') this.#isMarked = true;
    this.#streams = [stdout, stderr];
    this.#read(stdout, 'stdout');
    this.#read(stderr, 'stderr');
  }

  /** Charges reading to this account from now on. */
  chargeTo(intake: Intake): void {
    this.#intake = intake;
    for (const stream of this.#streams) intake.hold(stream);
  }

  open(id: string): LogSink {
    if (this.#form === 'bare') this.#claimForAnswered();
    // Output after an answer belongs to no activation.
    else if (this.#sinks.size === 0) this.#forgetUnclaimed();
    const sink = createSink(id, this.#carried);
    this.#carried = undefined;
    this.#sinks.set(id, sink);
    return {
      finish: (end) => this.#finish(sink, end),
      carry: (end) => {
        this.#carried = this.#written(sink, end);
      },
    };
  }

  has(id: string): boolean {
    return this.#sinks.has(id);
  }

  /**
   * Gives the follower the last lines so far, then each new line. Undefined if the activation is not open.
   * @param isContinued the follower already has what precedes the activation's own lines
   */
  follow(id: string, follower: LogFollower, isContinued = false): Disposable | undefined {
    const sink = this.#sinks.get(id);
    if (!sink) return undefined;
    sink.followers ??= new LogFollowers();
    const [stdout, stderr] = streamNames.map((name) => [
      ...(isContinued ? [] : (sink.early?.lines[name].runs() ?? [])),
      ...this.#soFar(sink, name),
    ]);
    return sink.followers.add(follower, inOrderOfTime(stdout ?? [], stderr ?? []));
  }

  #forgetUnclaimed(): void {
    for (const name of streamNames) if (this.#unclaimed[name].count > 0) this.#unclaimed[name] = new Lines();
  }

  /** The fast path: most activations log nothing, so there is nothing to wait for or to build. */
  #finish(sink: ActivationSink, end: LogEnd): Promise<ActivationLog> {
    if (!end.isQuiet || sink.before || !this.#isSilent(sink)) return this.#finishLog(sink, end);
    sink.hasAnswered = true;
    this.#sinks.delete(sink.id);
    return noLines;
  }

  #isSilent({ lines }: ActivationSink): boolean {
    return streamNames.every((name) => lines[name].count === 0 && this.#unclaimed[name].count === 0);
  }

  async #finishLog(sink: ActivationSink, end: LogEnd): Promise<ActivationLog> {
    if (this.#mustWait(sink, end)) await this.#sentinelsOf(sink);
    let written = this.#close(sink, end);
    if (sink.before) written = joined(await sink.before, written);
    if (this.limitBytes === 0) return [];
    const { runs, note } = cutLog(written.lines.stdout, written.lines.stderr, this.limitBytes);
    const notes = note === undefined ? [] : [note];
    if (written.isMissing) notes.push(formatLine('stderr', missingSentinelText));
    for (const each of notes) sink.followers?.send(each);
    return logOf(runs, notes, note !== undefined ? 'cut' : written.isMissing ? 'incomplete' : undefined);
  }

  async #written(sink: ActivationSink, end: LogEnd): Promise<SinkContent> {
    if (this.#mustWait(sink, end)) await this.#sentinelsOf(sink);
    return this.#close(sink, end);
  }

  #mustWait(sink: ActivationSink, { isQuiet }: LogEnd): boolean {
    sink.hasAnswered = true;
    return !isQuiet && !this.#isComplete(sink);
  }

  #close(sink: ActivationSink, { isQuiet, hasFailed = false }: LogEnd): SinkContent {
    const { hasEnded, lines } = sink;
    if (!isQuiet && !hasEnded.stdout && !hasEnded.stderr) this.#isMarked ??= false;
    const isExpected = this.#isMarked === true && !(this.#form === 'bare' && this.isConcurrent);
    const isMissing = !isQuiet && !(hasEnded.stdout && hasEnded.stderr) && (isExpected || hasFailed);
    // Lines without a sentinel belong to another activation, if there is one.
    if (this.#sinks.size === 1) for (const name of streamNames) if (!hasEnded[name]) this.#claim(sink, name);
    this.#sinks.delete(sink.id);
    this.#lastId = sink.id;
    if (this.#form === 'named') for (const name of streamNames) if (!hasEnded[name]) this.#replay(name);
    return { lines, isMissing };
  }

  /** With concurrent calls, a bare sentinel cannot be matched to a call, so waiting for it is brief. */
  #sentinelsOf(sink: ActivationSink): Promise<void> {
    const isPointless = this.#form === 'bare' && (this.#isMarked === false || this.isConcurrent);
    const until = performance.now() + mostHeldMs;
    return new Promise((resolve) => {
      const isHeld = () => this.#streams.some((stream) => stream.isPaused());
      let steps = isPointless ? 1 : graceSteps;
      let wasHeld = isHeld();
      const wait = () => setTimeout(passed, isPointless ? shortGraceMs : graceMs / graceSteps);
      const passed = () => {
        const isStillHeld = isHeld();
        if (!wasHeld && !isStillHeld) steps--;
        wasHeld = isStillHeld;
        if (steps > 0 && performance.now() < until) timer = wait();
        else resolve();
      };
      let timer = wait();
      sink.settle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /**
   * Before the next activation writes, gives one that has answered but has no sentinel yet the lines so far. They are
   * all of its lines, unless its sentinel still comes.
   */
  #claimForAnswered(): void {
    if (this.isConcurrent) return;
    for (const name of streamNames) {
      const writer = this.#writerOf(name);
      if (writer?.hasAnswered) this.#claim(writer, name);
    }
  }

  #claim(sink: ActivationSink, name: StreamName): void {
    if (this.isConcurrent) return;
    sink.lines[name].append(this.#unclaimed[name]);
    this.#unclaimed[name] = new Lines();
  }

  #read(stream: Readable, name: StreamName): void {
    let at = 0;
    const lines = new LineReader((line, isContinued) => this.#onLine(name, line, at, isContinued));
    const push = (chunk: Buffer) => {
      at = timeOfReading();
      lines.push(chunk);
      this.#owners.handOut();
    };
    stream.on('data', (chunk: Buffer) => {
      if (this.#intake) this.#intake.take(() => push(chunk));
      else push(chunk);
    });
    const close = () => {
      if (this.#closed[name]) return;
      at = timeOfReading();
      lines.end();
      this.#owners.handOut();
      this.#closed[name] = true;
      this.#settleComplete();
    };
    stream.once('end', close);
    stream.once('close', close);
    stream.on('error', close);
  }

  #onLine(name: StreamName, line: Buffer, at: number, isContinued: boolean): void {
    const mark = this.#markIn(name, line);
    if (mark === undefined) {
      this.#add(name, line, at, isContinued);
      return;
    }
    if (mark.isLate) {
      this.#unclaimed[name] = new Lines();
      return;
    }
    if (mark.at > 0) this.#add(name, line.subarray(0, mark.at), at, isContinued);
    if (mark.sink === undefined) return;
    this.#claim(mark.sink, name);
    mark.sink.hasEnded[name] = true;
    this.#settleComplete();
  }

  #add(name: StreamName, line: Buffer, at: number, isContinued: boolean): void {
    if (this.isConcurrent) {
      this.#owners.add(name, line, at, this.limitBytes, isContinued);
      return;
    }
    const text = this.#unclaimed[name].add(name, line, at, this.limitBytes);
    if (text !== undefined) this.#writerOf(name)?.followers?.send(text);
  }

  #markIn(name: StreamName, line: Buffer): Mark | undefined {
    if (line.length < bareBytes.length) return undefined;
    if (this.#form === 'named') {
      const at = line.lastIndexOf(namedBytes);
      if (at < 0) return undefined;
      const id = line.toString('latin1', at + namedBytes.length);
      const sink = this.#sinks.get(id);
      if (sink) return { at, sink };
      // A program that faked the end of its own log goes on writing, and its runner still writes the true end.
      return id === this.#lastId && !this.isConcurrent ? { at, sink, isLate: true } : undefined;
    }
    const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
    const at = end - bareBytes.length;
    if (at < 0 || !line.subarray(at, end).equals(bareBytes)) return undefined;
    this.#isMarked = true;
    return { at, sink: this.isConcurrent ? undefined : this.#headOf(name) };
  }

  /** The activation that the next sentinel ends, when calls run one at a time. */
  #headOf(name: StreamName): ActivationSink | undefined {
    for (const sink of this.#sinks.values()) if (!sink.hasEnded[name]) return sink;
    return undefined;
  }

  /**
   * The activation that is writing, when calls run one at a time. Named: the first, since the others wait in the
   * sandbox. Bare: the last, since the others have answered.
   */
  #writerOf(name: StreamName): ActivationSink | undefined {
    if (this.#form === 'named') return this.#headOf(name);
    let last: ActivationSink | undefined;
    for (const sink of this.#sinks.values()) if (!sink.hasEnded[name]) last = sink;
    return last;
  }

  #soFar(sink: ActivationSink, name: StreamName): readonly LineRun[] {
    const own = sink.lines[name].runs();
    const isWriter = !this.isConcurrent && this.#writerOf(name) === sink;
    return isWriter ? [...own, ...this.#unclaimed[name].runs()] : own;
  }

  /**
   * Tells followers the lines that were read before the previous activation ended and turn out to belong to the next.
   */
  #replay(name: StreamName): void {
    if (this.isConcurrent) return;
    const followers = this.#headOf(name)?.followers;
    if (followers === undefined) return;
    for (const { lines } of this.#unclaimed[name].runs())
      for (const line of unpackLines(lines)) followers.send(line);
  }

  #isComplete({ hasEnded }: ActivationSink): boolean {
    return (this.#closed.stdout || hasEnded.stdout) && (this.#closed.stderr || hasEnded.stderr);
  }

  #settleComplete(): void {
    for (const sink of this.#sinks.values()) if (this.#isComplete(sink)) sink.settle?.();
  }
}
