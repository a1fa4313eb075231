/**
 * One sandbox with a runner in it, as the invoker sees it: ready → init → runs. Speaks the channel, collects
 * the logs, and says how it ended. Nothing that comes out of the sandbox is believed: a frame that is not
 * exactly what is awaited ends the sandbox.
 *
 *   starting ──ready──▶ blank ──init──▶ serving ──▶ ended
 *       └────────────────┴──────────────────────────▲   (crash, limit, violation, `end()`)
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';
import type { Sandbox, SandboxExit } from '../sandbox/index.ts';
import { encodeFrame, FrameReader, type LargeFrame } from './frames.ts';
import { type LogStreams, readLogStreams } from './log-streams.ts';

/** How the sandbox let an activation down. */
export type Failure =
  | 'timeout'
  | 'out-of-memory'
  | 'forbidden-call'
  | 'exited'
  | 'channel-closed'
  | 'violation'
  | 'ended';

/** `isQuiet`: the runner says that nothing was logged, and has written no sentinel. */
type Answered = { readonly isQuiet?: boolean };

export type InitOutcome = Answered &
  (
    | { readonly kind: 'ok' }
    | { readonly kind: 'refused'; readonly error: string }
    | { readonly kind: 'failed'; readonly failure: Failure }
  );

export type RunOutcome = Answered &
  (
    | { readonly kind: 'value'; readonly value: JsonValue; readonly json: string }
    | { readonly kind: 'refused'; readonly error: string }
    | { readonly kind: 'too-large'; readonly frame: LargeFrame }
    | { readonly kind: 'failed'; readonly failure: Failure }
  );

export interface ActivationLog {
  /** Its lines, once the streams have been read far enough for what was answered. */
  finish(outcome: InitOutcome | RunOutcome): Promise<readonly string[]>;
}

export interface RunRequest {
  readonly id: string;
  readonly value: JsonObject | readonly JsonValue[];
  readonly env: JsonObject;
}

export interface InitRequest {
  readonly name: string;
  readonly main: string;
  readonly binary: boolean;
  readonly env: JsonObject;
}

const frameLimits = { wholeBytes: 8 * 1024 * 1024, announcedBytes: 256 * 1024 * 1024, headBytes: 4096 };
/** In the head of a result that is too large to be parsed. */
const quietMark = '"quiet":true,"id"';
/** How long the evidence of an end is waited for once the channel is gone. */
const exitGraceMs = 500;
/** How long a log stream's sentinel is waited for after the answer. */
const logGraceMs = 1000;

type Waiting =
  | { readonly for: 'ready'; readonly settle: (failure?: Failure) => void }
  | { readonly for: 'init'; readonly settle: (outcome: InitOutcome) => void };

export class RunnerProcess {
  readonly sandbox: Sandbox;
  /** Settles when it can serve no more; never rejects. */
  readonly ended: Promise<Failure>;
  private readonly channel: NodeJS.WritableStream;
  private readonly logs: LogStreams;
  private readonly runs = new Map<string, (outcome: RunOutcome) => void>();
  private readonly settleEnded: (failure: Failure) => void;
  private waiting: Waiting | undefined;
  private ending: Promise<Failure> | undefined;
  private frozen = false;

  constructor(sandbox: Sandbox) {
    if (!sandbox.channel) throw new TypeError('a runner needs a sandbox with a channel');
    this.sandbox = sandbox;
    this.channel = sandbox.channel;
    this.logs = readLogStreams(sandbox.stdout, sandbox.stderr);
    const { promise, resolve } = Promise.withResolvers<Failure>();
    this.ended = promise;
    this.settleEnded = resolve;
    this.listen(sandbox.channel);
    void sandbox.exited.then(() => this.end('exited'));
  }

  get isEnded(): boolean {
    return this.ending !== undefined;
  }

  /** Settles when the runner has said `ready`, or with why it never will. */
  ready(timeoutMs: number): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => void this.end('timeout'), timeoutMs);
      this.waiting = {
        for: 'ready',
        settle: (failure) => {
          clearTimeout(timer);
          resolve(failure);
        },
      };
      if (this.ending) void this.ending.then((failure) => this.settleWaiting(failure));
    });
  }

  openLog(limitBytes: number, isAlone: boolean): ActivationLog {
    const sink = this.logs.open(limitBytes, isAlone);
    return { finish: (outcome) => sink.finish(outcome.isQuiet === true, logGraceMs) };
  }

  init(request: InitRequest, timeoutMs: number): Promise<InitOutcome> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => void this.end('timeout'), timeoutMs);
      this.waiting = {
        for: 'init',
        settle: (outcome) => {
          clearTimeout(timer);
          resolve(outcome);
        },
      };
      if (this.ending) void this.ending.then((failure) => this.settleWaiting(failure));
      else this.send(JSON.stringify({ type: 'init', ...request }));
    });
  }

  run(request: RunRequest, timeoutMs: number): Promise<RunOutcome> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => void this.end('timeout'), timeoutMs);
      this.runs.set(request.id, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
      if (this.ending) void this.ending.then((failure) => this.failRuns(failure));
      else this.send(JSON.stringify({ type: 'run', ...request }));
    });
  }

  /** Stops it where it stands until the next init or run. */
  async freeze(): Promise<void> {
    if (this.ending || this.frozen || this.runs.size > 0 || this.waiting) return;
    this.frozen = true;
    await this.sandbox.freeze();
  }

  /** Ends it for `reason`, unless the kernel has a better one; idempotent. */
  end(reason: Failure): Promise<Failure> {
    this.ending ??= this.finish(reason);
    return this.ending;
  }

  private async finish(reason: Failure): Promise<Failure> {
    const early =
      reason === 'channel-closed' ? await settledWithin(this.sandbox.exited, exitGraceMs) : undefined;
    if (!early) await this.sandbox.destroy();
    const failure = explain(reason, early ?? (await this.sandbox.exited));
    await this.sandbox.destroy();
    this.settleWaiting(failure);
    this.failRuns(failure);
    this.settleEnded(failure);
    return failure;
  }

  private listen(channel: NodeJS.ReadWriteStream): void {
    const reader = new FrameReader(
      frameLimits,
      (frame) => (frame.kind === 'whole' ? this.onText(frame.text) : this.onLarge(frame)),
      () => void this.end('violation'),
    );
    channel.on('data', (chunk: Buffer) => reader.push(chunk));
    channel.on('end', () => void this.end('channel-closed'));
    channel.on('close', () => void this.end('channel-closed'));
    channel.on('error', () => void this.end('channel-closed'));
  }

  private send(json: string): void {
    this.channel.write(encodeFrame(json));
    if (!this.frozen) return;
    this.frozen = false;
    this.sandbox.thaw().catch(() => void this.end('exited'));
  }

  private onText(text: string): void {
    if (this.ending) return;
    const message = parseMessage(text);
    if (!message || !this.accept(message)) void this.end('violation');
  }

  /** A result that is too large is an answer only when a single run can be meant by it. */
  private onLarge(frame: LargeFrame): void {
    if (this.ending) return;
    const [only, second] = this.runs.keys();
    if (only === undefined || second !== undefined) void this.end('violation');
    else this.settleRun(only, { kind: 'too-large', frame, isQuiet: frame.head.includes(quietMark) });
  }

  private accept(message: JsonObject): boolean {
    const { type, id, error } = message;
    if (type === 'result') return typeof id === 'string' && this.acceptResult(id, message);
    if (type === 'ready' && this.waiting?.for === 'ready') return this.settleWaiting();
    if (this.waiting?.for !== 'init') return false;
    const isQuiet = message['quiet'] === true;
    if (type === 'init-ok') return this.settleInit({ kind: 'ok', isQuiet });
    if (type !== 'init-error') return false;
    return this.settleInit({ kind: 'refused', error: textOf(error), isQuiet });
  }

  private acceptResult(id: string, message: JsonObject): boolean {
    if (!this.runs.has(id)) return false;
    const isQuiet = message['quiet'] === true;
    if (message['ok'] !== true) {
      this.settleRun(id, { kind: 'refused', error: textOf(message['error']), isQuiet });
      return true;
    }
    const value = message['value'];
    if (typeof value !== 'object' || value === null) return false;
    this.settleRun(id, { kind: 'value', value, json: JSON.stringify(value), isQuiet });
    return true;
  }

  private settleInit(outcome: InitOutcome): boolean {
    const waiting = this.waiting;
    this.waiting = undefined;
    if (waiting?.for === 'init') waiting.settle(outcome);
    return true;
  }

  private settleWaiting(failure?: Failure): boolean {
    const waiting = this.waiting;
    this.waiting = undefined;
    if (waiting?.for === 'ready') waiting.settle(failure);
    else if (failure) waiting?.settle({ kind: 'failed', failure });
    return true;
  }

  private settleRun(id: string, outcome: RunOutcome): void {
    const settle = this.runs.get(id);
    this.runs.delete(id);
    settle?.(outcome);
  }

  private failRuns(failure: Failure): void {
    for (const id of [...this.runs.keys()]) this.settleRun(id, { kind: 'failed', failure });
  }
}

function explain(reason: Failure, exit: SandboxExit): Failure {
  if (reason === 'timeout' || reason === 'ended') return reason;
  if (exit.outOfMemory) return 'out-of-memory';
  if (exit.seccompKill) return 'forbidden-call';
  if (reason === 'channel-closed' && !exit.killed) return 'exited';
  return reason;
}

function parseMessage(text: string): JsonObject | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return isJsonObject(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Error texts come from the sandbox too: a string, and not a long one. */
function textOf(error: JsonValue | undefined): string {
  return typeof error === 'string' ? error.slice(0, 64 * 1024) : 'unknown error';
}

async function settledWithin<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}
