/**
 * The runs that a sandbox was given and has not answered.
 *
 * An action with `concurrency` above 1 runs them all at once. Otherwise the first of the line is running, and the
 * others were handed over early, so that the sandbox continues with the next without waiting for the host. Early runs
 * must not wait behind a slow one, and must not be run twice:
 *
 * - A runner whose run took longer than 20 ms says `late` in its answer. From then on it ignores every run that was
 *   sent before the host can have seen that answer (`after` counts the answers that the host had seen).
 * - The runner's time for a run begins before the host's, however long the sandbox waits for a processor: when the
 *   run was `sent`, or, for an early one, just before the previous answer. So once the host has waited `reclaimMs` for
 *   an answer, it knows that this answer will be late. It then takes the early runs back at once, to be run elsewhere.
 *   After that, an answer that is not late breaks the protocol.
 *
 * The action's code can read the channel, and so swallow an early run. Therefore a runner says that it begins a run
 * before it does: in the previous answer (`next`), or in a frame of its own (`begun`). A sandbox that does not begin
 * a run is ended, and the runs that it has not begun are run elsewhere.
 */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { LargeFrame } from '../channel/frames.ts';
import type { Serialised } from '../channel/result-frame.ts';
import type { LogSink, LogStreams } from '../logs/log-streams.ts';
import type { CulpritNotes } from './culprit.ts';
import type { Failure, RunEnd, RunLimits, RunOutcome, RunRequest } from './runner.ts';
import type { TrafficMeter } from './traffic-meter.ts';

export interface RunLineOptions {
  readonly logs: LogStreams;
  readonly send: (json: string) => void;
  /** Called when a run has used up its time. The sandbox must be ended. */
  readonly onTimeout: () => void;
  readonly notes: CulpritNotes;
  readonly traffic: TrafficMeter;
  /** Called when an early run was not begun in its turn. The sandbox must be ended. */
  readonly onOverdue: () => void;
  /** Called when an answer arrives: violations so far belong to its run. Not called for the shortest runs. */
  readonly examine: () => void;
}

interface QueuedRun {
  readonly id: string;
  readonly limits: RunLimits;
  readonly settle: (end: RunEnd) => void;
  readonly log: LogSink;
  /** Set when its turn comes. */
  begun: Begun | undefined;
  /** The runner is known to have it: it was not sent early, or the runner has confirmed it. */
  isTakenUp: boolean;
  /** The early runs behind it have been given back. */
  isOvertaken: boolean;
  hasTimedOut: boolean;
}

interface Begun {
  readonly startedAt: number;
  /** Time of `performance.now()`. */
  readonly at: number;
  readonly timer: NodeJS.Timeout;
}

/** Longer than the 20 ms after which a runner calls itself late. */
const reclaimMs = 30;
/** A run that has taken longer gets no early run behind it. */
const earlyWithinMs = 5;
/** How soon an early run must begin once it is its turn: far longer than a sandbox waits for a processor. */
const takeUpMs = 1000;

/**
 * Violations are not looked for after a shorter run, because that would cost a twentieth of such a call, and few
 * programs can start one process too many, or fill their memory, in that time. What is found later is attributed to
 * the sandbox's next run, or to its last one when it becomes idle.
 */
const tooShortMs = 0.3;

/** What precedes the value of a result. An error that is too large to be read has none. */
const largeEnvelope =
  /^\{"type":"result"(,"quiet":true)?(,"late":true)?(?:,"next":"([0-9a-f]+)")?,"id":"([0-9a-f]+)",(?:"ok":true,"value":)?/;

interface AnswerFlags {
  readonly isQuiet: boolean;
  readonly isLate: boolean;
  /** The early run that begins now. */
  readonly next: JsonValue | undefined;
}

export class RunLine {
  isConcurrent = false;
  readonly #options: RunLineOptions;
  readonly #runs: QueuedRun[] = [];
  #answers = 0;

  constructor(options: RunLineOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#runs.length;
  }

  add(request: RunRequest, limits: RunLimits): Promise<RunEnd> {
    return new Promise((settle) => {
      const log = this.#options.logs.open(request.id);
      const isEarly = !this.isConcurrent && this.#runs.length > 0;
      const run: QueuedRun = {
        id: request.id,
        limits,
        settle,
        log,
        begun: undefined,
        isTakenUp: !isEarly,
        isOvertaken: false,
        hasTimedOut: false,
      };
      this.#runs.push(run);
      const early = isEarly ? { early: true } : undefined;
      const frame = { type: 'run', after: this.#answers, sent: Date.now(), ...early, ...request };
      this.#options.send(JSON.stringify(frame));
      if (!isEarly) this.#begin(run);
    });
  }

  takesEarly(): boolean {
    const [head] = this.#runs;
    return (
      head?.begun !== undefined && !head.isOvertaken && performance.now() - head.begun.at < earlyWithinMs
    );
  }

  /**
   * False if the message does not answer any run here.
   * @param result its value, if it is already serialised
   */
  answer(message: JsonObject, result?: Serialised): boolean {
    const { id, value } = message;
    const run = this.isConcurrent ? this.#runs.find((candidate) => candidate.id === id) : this.#runs[0];
    if (run?.begun === undefined || run.id !== id) return false;
    const { quiet, late, next } = message;
    const flags = { isQuiet: quiet === true, isLate: late === true, next };
    if (message['ok'] !== true)
      return this.#end(run, { kind: 'refused', error: errorText(message['error']) }, flags);
    if (typeof value !== 'object' || value === null) return false;
    return this.#end(run, { kind: 'value', value, ...(result ?? { json: JSON.stringify(value) }) }, flags);
  }

  /** A result that is too large to be read names its run in the part that was kept. */
  answerLarge({ head, lengthBytes }: LargeFrame): boolean {
    const text = head.toString('utf8');
    const match = largeEnvelope.exec(text);
    const run = this.#runs.find(({ id }) => id === match?.[4]);
    if (!match || run?.begun === undefined) return false;
    const [envelope] = match;
    // The envelope is ASCII, and the result is followed by a brace.
    const outcome: RunOutcome = {
      kind: 'too-large',
      lengthBytes: lengthBytes - envelope.length - 1,
      head: text.slice(envelope.length),
    };
    return this.#end(run, outcome, { isQuiet: !!match[1], isLate: !!match[2], next: match[3] });
  }

  /** Notes that the runner begins an early run. False if it is not that run's turn. */
  takeUp(id: JsonValue | undefined): boolean {
    const [head] = this.#runs;
    if (head === undefined || head.isTakenUp || head.id !== id) return false;
    head.isTakenUp = true;
    return true;
  }

  /** It is an early run's turn, but the runner has not said that it begins it. */
  get isOverdue(): boolean {
    const [head] = this.#runs;
    return head?.begun !== undefined && !head.isTakenUp;
  }

  /** Decides after reading all pending input: if this process stood still, answers may be unread. */
  reclaim(): void {
    const [head] = this.#runs;
    if (this.isConcurrent || !head?.begun) return;
    const { isOverdue, isSlow } = this.#look(head.begun);
    if (isOverdue || isSlow) setImmediate(() => this.#reclaimBehind(head));
  }

  #reclaimBehind(head: QueuedRun): void {
    if (this.#runs[0] !== head || !head.begun) return;
    const { isOverdue, isSlow } = this.#look(head.begun);
    if (isOverdue) this.#options.onOverdue();
    if (!isSlow) return;
    head.isOvertaken = true;
    this.#giveBackEarly();
  }

  #look({ at }: Begun) {
    const sinceMs = performance.now() - at;
    return {
      isOverdue: this.isOverdue && sinceMs >= takeUpMs,
      isSlow: this.#runs.length > 1 && sinceMs >= reclaimMs,
    };
  }

  /** Ends the line with the sandbox: begun runs fail, the others can be run elsewhere. */
  fail(failure: Failure): void {
    this.#giveBackEarly();
    if (this.isOverdue) this.#giveBackHead();
    for (const run of this.#runs.splice(0)) {
      // The other runs did not exceed their time; they only lost their sandbox.
      const own = failure === 'timeout' && !run.hasTimedOut ? 'exited' : failure;
      this.#settle(run, { kind: 'failed', failure: own }, false);
    }
  }

  #begin(run: QueuedRun): void {
    this.#options.notes.begin(run.id);
    run.begun = {
      startedAt: Date.now(),
      at: performance.now(),
      // As in `reclaim`: pending input is read first.
      timer: setTimeout(() => setImmediate(() => this.#timeOut(run)), run.limits.timeoutMs),
    };
  }

  #timeOut(run: QueuedRun): void {
    if (!this.#runs.includes(run)) return;
    // A run that was not begun has used no time.
    run.hasTimedOut = run.isTakenUp;
    if (run.isTakenUp) this.#options.onTimeout();
    else this.#options.onOverdue();
  }

  #end(run: QueuedRun, outcome: RunOutcome, flags: AnswerFlags): boolean {
    const isShort = run.begun !== undefined && performance.now() - run.begun.at < tooShortMs;
    if (!isShort) this.#options.examine();
    this.#runs.splice(this.#runs.indexOf(run), 1);
    this.#answers++;
    if (flags.isLate && !this.isConcurrent) this.#giveBackEarly();
    this.#settle(run, outcome, flags.isQuiet);
    if (this.isConcurrent) return true;
    if (run.isOvertaken && !flags.isLate) return false;
    const [next] = this.#runs;
    if (next) this.#begin(next);
    return flags.next === undefined || this.takeUp(flags.next);
  }

  /** Last first, so a caller that puts each at the front of a queue keeps their order. */
  #giveBackEarly(): void {
    for (let at = this.#runs.length - 1; at >= 0; at--) {
      const run = this.#runs[at];
      if (!run || run.begun) continue;
      this.#runs.splice(at, 1);
      void run.log.finish({ isQuiet: true });
      run.settle(undefined);
    }
  }

  #giveBackHead(): void {
    const run = this.#runs.shift();
    clearTimeout(run?.begun?.timer);
    if (!run) return;
    this.#options.notes.end(run.id);
    void run.log.finish({ isQuiet: true });
    run.settle(undefined);
  }

  #settle(run: QueuedRun, outcome: RunOutcome, isQuiet: boolean): void {
    const { begun } = run;
    if (!begun) return;
    clearTimeout(begun.timer);
    const logs = run.log.finish({ isQuiet });
    const violations = this.#options.notes.end(run.id);
    const traffic = this.#options.traffic.take();
    const serviceMs = performance.now() - begun.at;
    run.settle({ outcome, logs, startedAt: begun.startedAt, serviceMs, violations, traffic });
  }
}

/** Bounds an error text, which comes from the sandbox too. */
export function errorText(error: JsonValue | undefined): string {
  return typeof error === 'string' ? error.slice(0, 64 * 1024) : 'unknown error';
}
