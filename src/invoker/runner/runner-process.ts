/**
 * One sandbox with a runner in it, as the invoker sees it: ready → init → runs. Speaks the channel, collects the
 * logs, and says how it ended. All output of the sandbox is untrusted: a frame that is not exactly what is expected
 * ends the sandbox.
 *
 *   starting ──ready──▶ blank ──init──▶ serving ──▶ ended
 *       └────────────────┴──────────────────────────▲   (crash, limit, violation, `end()`)
 */
import { type ActionLimits, defaultResultBytes, type LogFollower } from '../../dispatch/index.ts';
import { giveBack, isJsonObject, type JsonObject, nestsDeeperThan } from '../../lib/index.ts';
import type { Sandbox, ServePort, Violation } from '../../sandbox/index.ts';
import { encodeFrame, FrameReader, type LargeFrame, type WholeFrame } from '../channel/frames.ts';
import type { Intake, Intakes } from '../channel/intake.ts';
import { type ResultFrame, resultIn, type Serialised } from '../channel/result-frame.ts';
import { LogStreams } from '../logs/log-streams.ts';
import { type Culprit, CulpritNotes } from './culprit.ts';
import { wholeBytes } from './outcomes.ts';
import { errorText, RunLine } from './run-line.ts';
import {
  type Failure,
  type InitEnd,
  type InitOutcome,
  type InitRequest,
  noLogs,
  type RunEnd,
  type RunLimits,
  type Runner,
  type RunRequest,
} from './runner.ts';
import { endSandbox } from './sandbox-end.ts';
import { TrafficMeter } from './traffic-meter.ts';

/** Frames of this size or more are charged to the namespace. */
const bulkBytes = 16 * 1024;

/** A whole frame is parsed at once, so its limit is little more than the largest result. */
const frameLimits = { announcedBytes: 256 * 1024 * 1024, bulkBytes, headBytes: 4096 };

type Waiting =
  | { readonly for: 'ready'; readonly settle: (failure?: Failure) => void }
  | { readonly for: 'init'; readonly settle: (outcome: InitOutcome, isQuiet: boolean) => void };

export class RunnerProcess implements Runner {
  readonly sandbox: Sandbox;
  readonly ended: Promise<Failure>;
  readonly #channel: NodeJS.WritableStream;
  readonly #logs: LogStreams;
  readonly #line: RunLine;
  readonly #notes = new CulpritNotes();
  readonly #traffic = new TrafficMeter();
  readonly #intakes: Intakes;
  #intake: Intake | undefined;
  #outbox: Buffer[] = [];
  readonly #settleEnded: (failure: Failure) => void;
  /** Resolves when everything that the sandbox sent has been read. */
  readonly #drained = Promise.withResolvers<void>();
  /** The frames that wait for refusals, one after the other. */
  #reading: Promise<void> | undefined;
  #waiting: Waiting | undefined;
  #ending: Promise<Failure> | undefined;
  #frozen = false;
  #isExamined = false;

  constructor(sandbox: Sandbox, intakes: Intakes, resultBytes = defaultResultBytes) {
    if (!sandbox.channel) throw new TypeError('a runner needs a sandbox with a channel');
    this.sandbox = sandbox;
    this.#intakes = intakes;
    this.#channel = sandbox.channel;
    this.#logs = new LogStreams(sandbox.stdout, sandbox.stderr);
    this.#line = new RunLine({
      logs: this.#logs,
      send: (json) => this.#send(json),
      onTimeout: () => void this.end('timeout'),
      onOverdue: () => void this.end('violation'),
      notes: this.#notes,
      traffic: this.#traffic,
      examine: () => this.#examine(),
    });
    const { promise, resolve } = Promise.withResolvers<Failure>();
    this.ended = promise;
    this.#settleEnded = resolve;
    this.#listen(sandbox.channel, resultBytes);
    void sandbox.exited.then(({ traffic }) => {
      this.#traffic.read(traffic);
      this.#afterFrames(() => void this.end('exited'));
    });
  }

  get isEnded(): boolean {
    return this.#ending !== undefined;
  }

  /** Settles when the runner has said `ready`, or with the reason why it never will. */
  ready(timeoutMs: number): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => void this.end('timeout'), timeoutMs);
      this.#waiting = {
        for: 'ready',
        settle: (failure) => {
          clearTimeout(timer);
          resolve(failure);
        },
      };
      if (this.#ending) void this.#ending.then((failure) => this.#settleWaiting(failure));
    });
  }

  /** Must be called before `init`. @throws Fault PORT_UNREACHABLE */
  async serve(port: ServePort): Promise<void> {
    if (this.#frozen) {
      this.#frozen = false;
      await this.sandbox.thaw();
    }
    await this.sandbox.servePort(port).ready;
  }

  init(request: InitRequest, limits: ActionLimits): Promise<InitEnd> {
    const log = this.#logs.open('init');
    const cause = this.#notes.own(request.env);
    this.#intake = this.#intakes.of(this.#notes.namespace);
    this.#logs.chargeTo(this.#intake);
    this.#logs.limitBytes = limits.logBytes;
    this.#line.isConcurrent = limits.concurrency > 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => void this.end('timeout'), limits.timeoutMs);
      this.#waiting = {
        for: 'init',
        settle: (outcome, isQuiet) => {
          clearTimeout(timer);
          const isOk = outcome.kind === 'ok';
          if (isOk) log.carry({ isQuiet });
          this.#examine();
          const violations = this.#notes.end(cause);
          // Without an activation, it counts for the first run.
          const traffic = cause === '' ? undefined : this.#traffic.take();
          resolve({ outcome, logs: isOk ? noLogs : log.finish({ isQuiet }), violations, traffic });
        },
      };
      if (this.#ending) void this.#ending.then((failure) => this.#settleWaiting(failure));
      else this.#send(JSON.stringify({ type: 'init', ...request }));
    });
  }

  run(request: RunRequest, limits: RunLimits): Promise<RunEnd> {
    const end = this.#line.add(request, limits);
    if (this.#ending) void this.#ending.then((failure) => this.#line.fail(failure));
    return end;
  }

  takesEarly(): boolean {
    return this.#line.takesEarly();
  }

  reclaim(): void {
    this.#line.reclaim();
  }

  async freeze(): Promise<void> {
    if (this.#ending || this.#frozen || this.#line.size > 0 || this.#waiting) return;
    this.#frozen = true;
    this.sandbox.examine();
    await this.sandbox.freeze();
  }

  cpuUsec(): number {
    return this.sandbox.cpuUsec();
  }

  standBack(isBehind: boolean): void {
    this.sandbox.standBack(isBehind);
  }

  note(violation: Violation): Culprit {
    return this.#notes.note(violation);
  }

  end(reason: Failure): Promise<Failure> {
    this.#ending ??= this.#finish(reason);
    return this.#ending;
  }

  isLogging(id: string): boolean {
    return this.#logs.has(id);
  }

  follow(id: string, follower: LogFollower, isContinued: boolean): Disposable | undefined {
    return this.#logs.follow(id, follower, isContinued);
  }

  async #finish(reason: Failure): Promise<Failure> {
    const failure = await endSandbox(this.sandbox, reason);
    // Its last message may say that it has begun a run, which would otherwise be run a second time.
    if (this.#line.isOverdue) await this.#drained.promise;
    this.#settleWaiting(failure);
    this.#line.fail(failure);
    this.#settleEnded(failure);
    return failure;
  }

  /**
   * Examines answers that arrived in one piece only once: when the first is read, the sandbox has finished them all.
   */
  #examine(): void {
    if (this.#isExamined) return;
    this.#isExamined = true;
    this.sandbox.examine();
  }

  #listen(channel: NodeJS.ReadWriteStream, resultBytes: number): void {
    const reader = new FrameReader(
      { ...frameLimits, wholeBytes: wholeBytes(resultBytes) },
      (frame) => (frame.kind === 'whole' ? this.#onWhole(frame) : this.#onLarge(frame)),
      () => void this.end('violation'),
    );
    channel.on('data', (chunk: Buffer) => {
      this.#isExamined = false;
      const isBulk = chunk.length >= bulkBytes || reader.announcedBytes >= bulkBytes;
      if (isBulk && this.#intake) this.#intake.take(() => reader.push(chunk));
      else reader.push(chunk);
      giveBack(chunk);
    });
    for (const event of ['end', 'close', 'error']) {
      channel.on(event, () =>
        this.#afterFrames(() => {
          this.#drained.resolve();
          void this.end('channel-closed');
        }),
      );
    }
  }

  /**
   * Sends a frame at once if nothing else is under way. Otherwise the frames of one turn of the event loop go out in
   * one write, because waking the sandbox is most of a frame's cost.
   */
  #send(json: string): void {
    const frame = encodeFrame(json);
    if (this.#line.size < 2) this.#channel.write(frame);
    else if (this.#outbox.push(frame) === 1) setImmediate(() => this.#flush());
    if (!this.#frozen) return;
    this.#frozen = false;
    this.sandbox.thaw().catch(() => void this.end('exited'));
  }

  #flush(): void {
    const [first, second] = this.#outbox;
    if (first) this.#channel.write(second ? Buffer.concat(this.#outbox) : first);
    this.#outbox = [];
  }

  #onWhole(frame: WholeFrame): void {
    this.#afterRefusals(() => {
      if (this.#ending && !this.#line.isOverdue) return;
      const parsed = parseFrame(frame);
      if (this.#ending) this.#line.takeUp(parsed?.message['id']);
      else if (!parsed || !this.#accept(parsed.message, parsed.result)) void this.end('violation');
    });
  }

  #onLarge(frame: LargeFrame): void {
    this.#afterRefusals(() => {
      if (!this.#ending && !this.#line.answerLarge(frame)) void this.end('violation');
    });
  }

  /**
   * Processes a frame after pending refusals: what was refused before the frame belongs to the activation that it
   * ends. Keeps frames in order, though refusals may be told in another one.
   */
  #afterRefusals(take: () => void): void {
    const reported = this.sandbox.refusalsTold?.();
    if (reported === undefined) {
      take();
      return;
    }
    const told = reported.then(
      (traffic) => this.#traffic.read(traffic),
      () => {},
    );
    const before = this.#reading ?? Promise.resolve();
    this.#reading = before.then(() => told).then(take);
  }

  /** A program may exit right after its last answer, which still counts. */
  #afterFrames(go: () => void): void {
    if (this.#reading === undefined) go();
    else void this.#reading.then(go);
  }

  #accept(message: JsonObject, result: Serialised | undefined): boolean {
    const { type, error } = message;
    if (type === 'result') return this.#line.answer(message, result);
    if (type === 'begun') return this.#line.takeUp(message['id']);
    if (type === 'ready' && this.#waiting?.for === 'ready') return this.#settleWaiting();
    if (this.#waiting?.for !== 'init') return false;
    const isQuiet = message['quiet'] === true;
    if (type === 'init-ok') {
      // Other runners process runs one after the other, no matter how many they are sent.
      this.#logs.isConcurrent = this.#line.isConcurrent && message['concurrent'] === true;
      return this.#settleInit({ kind: 'ok' }, isQuiet);
    }
    if (type !== 'init-error') return false;
    const text = `Initialization has failed due to: ${errorText(error)}`;
    return this.#settleInit({ kind: 'refused', error: text }, isQuiet);
  }

  #settleInit(outcome: InitOutcome, isQuiet: boolean): boolean {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting?.for === 'init') waiting.settle(outcome, isQuiet);
    return true;
  }

  #settleWaiting(failure?: Failure): boolean {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting?.for === 'ready') waiting.settle(failure);
    else if (failure) waiting?.settle({ kind: 'failed', failure }, false);
    return true;
  }
}

type ParsedFrame = ResultFrame | { readonly message: JsonObject; readonly result?: undefined };

/** Deeper nesting would parse, and then overflow the stack of code that walks it. */
const maxDepth = 500;

function parseFrame(frame: WholeFrame): ParsedFrame | undefined {
  const { text, bulk } = frame;
  if (nestsDeeperThan(text, maxDepth)) return undefined;
  try {
    const result = bulk === undefined ? undefined : resultIn(text, bulk);
    if (result !== undefined) return result;
    const message: unknown = JSON.parse(text);
    return isJsonObject(message) ? { message } : undefined;
  } catch {
    return undefined;
  }
}
