/**
 * Jobs that run on other nodes, from the side that sent them.
 *
 * A job is on one node at a time. It goes to another one only when the first has refused it, or has not begun it and
 * will be told no when it asks. Silence is no refusal: a job whose node is not heard for a while has perhaps run, so
 * it fails with INVOKER_LOST. What a node says about a job that it does not have is counted and ignored.
 */
import { BoundedMap, type JsonObject, type Log, messageOf } from '../../lib/index.ts';
import type { ActivationLog } from '../activation-log.ts';
import { howRefused, invokerLost, invokersUnreachable, jobWithdrawn } from '../faults.ts';
import type { LogPiece } from '../live-log.ts';
import type { HowSettled, LoadNote, SentJob } from '../placement/types.ts';
import { defaultResultBytes } from '../result-limit.ts';
import type { Handover, Job, JobEnd, ViolationReport } from '../types.ts';
import { faultFrom, type HeadOf, parseHead, violationReportOf } from '../wire/heads.ts';
import type { Link } from '../wire/link.ts';
import type { Message } from '../wire/messages.ts';
import { runMessage } from '../wire/run-message.ts';
import type { Subjects } from '../wire/subjects.ts';
import { Acks } from './acks.ts';
import { endFrom, keepLogPart, lostLogOf, type OpenJob, type Refusal } from './open-job.ts';
import { ReceiptWindows } from './receipt-windows.ts';
import { RemoteLogs } from './remote-logs.ts';

export interface RemoteJobsOptions {
  readonly self: { readonly node: string; readonly start: string };
  readonly link: Link;
  readonly subjects: Subjects;
  /** The largest result that this node allows, whatever others allow. Absent: the default. */
  readonly resultBytes?: number | undefined;
  /** Must not throw. */
  readonly onViolation: (report: ViolationReport) => void;
  readonly log: Log;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

/** A job without a receipt is sent once more after this time. */
export const receiptMs = 300;
/** A node that does not mention a job for this time has lost it: it beats once a second. */
export const lostMs = 2_750;
/** The same while this node can't hear anyone. */
export const deafMs = 10_000;
/** A node ends a job within this time after a cancel, or after twice its time limit: it sends the end again for 20 s. */
export const overdueMs = 30_000;
/** A job that has not begun after so long is given up: its node may be one that never begins what it has. */
export const longestWaitMs = 3_600_000;
/** A node may report so many violations in this time; more are not kept. */
export const mostViolations = 100;
const violationWindowMs = 10_000;
/** At most one warning in this time; the rest is counted. */
const warnEveryMs = 10_000;

export class RemoteJobs {
  readonly #options: RemoteJobsOptions;
  readonly #now: () => number;
  readonly #open = new Map<string, OpenJob>();
  readonly #logs: RemoteLogs;
  readonly #windows = new ReceiptWindows();
  readonly #acks: Acks;
  #lastAttempt = Math.trunc(Math.random() * 2 ** 32);
  /** Since when this node hears others; undefined while it does not. */
  #hearsSince: number | undefined;
  #ignored = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;
  /** How many violations each node has reported, and since when. */
  readonly #violations = new BoundedMap<string, { readonly since: number; count: number }>(1_000);
  #isClosed = false;

  constructor(options: RemoteJobsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    const send = (node: string, message: Message) => this.#say(node, message);
    this.#logs = new RemoteLogs({ now: this.#now, send });
    this.#acks = new Acks(send);
  }

  /** Messages about jobs that their sender does not have. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Jobs that are not over. */
  get size(): number {
    return this.#open.size;
  }

  has(activationId: string): boolean {
    return this.#open.has(activationId);
  }

  hasRoom(node: string): boolean {
    return this.#windows.hasRoom(node);
  }

  /** Resolves when the node may get another job. @throws Fault INVOKERS_BUSY when too many wait for it */
  untilRoom(node: string): Promise<void> {
    return this.#windows.untilRoom(node);
  }

  /** Lets the next one go that waits for room at the node. Call it when a job that waited for room is not sent. */
  passRoom(node: string): void {
    this.#windows.passRoom(node);
  }

  /**
   * Sends the job. A job of the same activation must not be open.
   * @throws Fault MESSAGE_TOO_LARGE, MESSAGE_INVALID
   */
  send(node: string, job: Job, handover: Handover | undefined, sent: SentJob): Promise<JobEnd | Refusal> {
    this.#lastAttempt = (this.#lastAttempt + 1) >>> 0;
    const now = this.#now();
    const open: OpenJob = {
      ...{ job, node, handover, sent, attempt: this.#lastAttempt, sentAt: now, heardAt: now, sends: 0 },
      ...{ outcome: Promise.withResolvers(), log: Promise.withResolvers() },
      ...{ isReceived: false, begin: 'not asked', hasEnded: false, hasLog: false, isCancelled: false },
      ...{ logParts: [], logPartsHere: 0, logBytes: 0, lostWhy: undefined },
      overdueAt: now + longestWaitMs + longestRunMs(job),
    };
    this.#open.set(job.activationId, open);
    this.#windows.enter(node);
    try {
      if (this.#isClosed) this.#refuse(open, invokersUnreachable('this node leaves the cluster'), false);
      else if (!this.#sendRun(open)) this.#refuse(open, invokerLost(node, 'the bus is down'), true);
    } catch (error) {
      this.#refuse(open, error, false);
    }
    return open.outcome.promise;
  }

  cancel(activationId: string): void {
    const open = this.#open.get(activationId);
    if (open === undefined) return;
    open.isCancelled = true;
    open.overdueAt = Math.min(open.overdueAt, this.#now() + overdueMs);
    this.#tell(open, 'cancel');
  }

  follow(activationId: string, signal?: AbortSignal): AsyncIterable<LogPiece> | undefined {
    const open = this.#open.get(activationId);
    if (open === undefined) return undefined;
    const { node, attempt } = open;
    return this.#logs.follow({ node, activationId, attempt }, signal);
  }

  /** Takes what an invoker says. @throws Fault MESSAGE_INVALID */
  take(from: string, message: Message): void {
    const { type, activationId, attempt, head } = message;
    if (type === 'beat') return void this.#hearBeat(from, parseHead('beat', head));
    if (type === 'violation') return void this.#violated(from, head);
    if (type === 'line' || type === 'end') return void this.#logs.take(from, message);
    const open = this.#own(from, activationId, attempt);
    if (open !== undefined) return void this.#receive(open, message);
    this.#ignore(from, type);
    // Otherwise it would ask or say that again.
    if (type === 'begin') this.#answer(from, activationId, attempt, false);
    else this.#acks.add(from, activationId, attempt);
  }

  /** A node that was taken over could otherwise fill the log of violations, and hide true ones. */
  #violated(from: string, head: JsonObject): void {
    const now = this.#now();
    const known = this.#violations.get(from);
    const window =
      known !== undefined && now - known.since < violationWindowMs ? known : { since: now, count: 0 };
    window.count++;
    this.#violations.set(from, window);
    if (window.count > mostViolations) this.#ignore(from, 'violation');
    else this.#options.onViolation(violationReportOf(parseHead('violation', head)));
  }

  #ignore(node: string, type: Message['type']): void {
    this.#ignored++;
    const now = this.#now();
    if (now - this.#warnedAt < warnEveryMs) return;
    this.#warnedAt = now;
    const about = { node, type, ignored: this.#ignored };
    this.#options.log.warn(about, 'what a node says is ignored: it does not have the call, or says too much');
  }

  /** The bus has told that no one has got the job. It may be late: then a second sending has changed things. */
  unheard(activationId: string, attempt: number): void {
    const open = this.#open.get(activationId);
    if (open?.attempt !== attempt || open.isReceived || open.sends > 1) return;
    this.#refuse(open, invokerLost(open.node, 'it is not on the bus'), true);
  }

  /** The process of the node is gone. */
  gone(node: string): void {
    for (const open of this.#open.values())
      if (open.node === node) this.#lose(open, 'it has left the cluster');
  }

  /** Looks for what is late. Call it several times a second. */
  tick(): void {
    const now = this.#now();
    if (!this.#options.link.isUp) this.#hearsSince = undefined;
    else this.#hearsSince ??= now;
    for (const open of this.#open.values()) this.#look(open, now);
    this.#logs.tick();
  }

  /** Fails all jobs, and those that come later. */
  close(): void {
    this.#isClosed = true;
    for (const open of this.#open.values()) this.#lose(open, 'this node leaves the cluster');
    this.#acks.flush();
  }

  #look(open: OpenJob, now: number): void {
    // It is given up already, once its owner has answered.
    if (open.lostWhy !== undefined) return;
    if (this.#hearsSince === undefined) {
      if (now - open.heardAt > deafMs) this.#lose(open, 'the bus is down');
      return;
    }
    if (now - Math.max(open.heardAt, this.#hearsSince) > lostMs)
      return void this.#lose(open, 'it is not heard any more');
    // A node that was taken over could hold it for ever, by saying that it has it.
    if (now > open.overdueAt) return void this.#lose(open, 'it does not end it');
    if (open.isReceived) return;
    const waitedMs = now - open.sentAt;
    if (open.sends === 1 && waitedMs >= receiptMs) this.#sendRun(open);
    // Not begun: the node will be told no if it asks.
    else if (waitedMs >= 2 * receiptMs && open.handover !== undefined && open.begin === 'not asked')
      this.#refuse(open, invokerLost(open.node, 'it did not answer'), true, 'timed out');
  }

  #sendRun(open: OpenJob): boolean {
    const { self, link, subjects } = this.#options;
    const { job, node, attempt, handover } = open;
    const isAsked = handover !== undefined;
    open.sends++;
    return link.send(
      subjects.invoker(node, self.node),
      runMessage({ job, start: self.start, sentAt: Date.now(), isAsked }, attempt),
      // Only the first sending can prove that no one has the job.
      open.sends === 1 ? subjects.unheard(self.node, job.activationId, attempt) : undefined,
    );
  }

  #hearBeat(from: string, { of, load }: HeadOf<'beat'>): void {
    const now = this.#now();
    for (const [activationId, attempt] of of) {
      const open = this.#own(from, activationId, attempt);
      if (open === undefined) {
        // No one waits for it here: it was given up, or was sent by an earlier process. That ends it there.
        this.#acks.add(from, activationId, attempt);
        continue;
      }
      open.heardAt = now;
      this.#received(open, load);
      if (open.isCancelled && !open.hasEnded) this.#tell(open, 'cancel');
    }
  }

  #receive(open: OpenJob, { type, head, tail }: Message): void {
    open.heardAt = this.#now();
    this.#received(open);
    try {
      if (type === 'begin') this.#begin(open);
      else if (type === 'nack') {
        const { fault, isElsewhere, load } = parseHead('nack', head);
        const own = open.begin === 'no' ? jobWithdrawn() : faultFrom(fault);
        this.#acks.add(open.node, open.job.activationId, open.attempt);
        const mayGoOn = isElsewhere && open.begin !== 'yes' && open.begin !== 'asking';
        this.#refuse(open, own, mayGoOn, howRefused(own), load);
      } else if (type === 'res') this.#takeEnd(open, parseHead('res', head), tail);
      else if (type === 'log') {
        this.#keepLog(open, keepLogPart(open, parseHead('log', head), tail));
      }
    } catch (error) {
      // Its own node sends nonsense about it: there is nothing to wait for.
      this.#lose(open, `it sends what can't be read: ${messageOf(error)}`);
      throw error;
    }
  }

  #takeEnd(open: OpenJob, head: HeadOf<'res'>, tail: Buffer): void {
    const { resultBytes = defaultResultBytes } = this.#options;
    const { completion, log } = endFrom(open, head, tail, resultBytes);
    if (!open.hasEnded) {
      open.hasEnded = true;
      open.sent.settled('ended', head.load);
      open.outcome.resolve({ completion, log: open.log.promise });
    }
    this.#keepLog(open, log);
  }

  /** Ends the job when result and log are here. The log comes first if the result was lost and sent again. */
  #keepLog(open: OpenJob, log: ActivationLog | undefined): void {
    if (log !== undefined) {
      open.log.resolve(log);
      open.hasLog = true;
    }
    if (!open.hasEnded || !open.hasLog) return;
    this.#acks.add(open.node, open.job.activationId, open.attempt);
    this.#forget(open, true);
  }

  /** Asks the owner of the job, once, whether it begins. */
  #begin(open: OpenJob): void {
    const answer = (mayBegin: boolean) => {
      open.begin = mayBegin ? 'yes' : 'no';
      const { job, node, attempt } = open;
      open.overdueAt = Math.min(open.overdueAt, this.#now() + longestRunMs(job));
      // In the meantime the job may have been given up.
      const isHere = this.#open.get(job.activationId) === open && open.lostWhy === undefined;
      this.#answer(node, job.activationId, attempt, mayBegin && isHere);
    };
    if (open.begin === 'yes' || open.begin === 'no') return void answer(open.begin === 'yes');
    if (open.begin === 'asking') return;
    open.begin = 'asking';
    const asked = new Promise<boolean>((resolve) => resolve(open.handover?.begin() ?? true));
    asked.then(
      (mayBegin) => {
        answer(mayBegin);
        if (!mayBegin) this.#refuse(open, jobWithdrawn(), false);
        else if (open.lostWhy !== undefined) this.#lose(open, open.lostWhy);
      },
      (error: unknown) => {
        answer(false);
        this.#refuse(open, error, false);
      },
    );
  }

  #received(open: OpenJob, load?: LoadNote): void {
    if (open.isReceived) return;
    open.isReceived = true;
    open.sent.accepted(load);
    this.#windows.leave(open.node);
  }

  #refuse(
    open: OpenJob,
    fault: unknown,
    isElsewhere: boolean,
    how: HowSettled = 'refused',
    load?: LoadNote,
  ): void {
    if (!open.hasEnded) open.sent.settled(how, load);
    open.hasEnded = true;
    open.outcome.resolve({ fault, isElsewhere });
    open.log.resolve([]);
    this.#forget(open, false);
  }

  /** Gives the job up. If it lives, it is cancelled. */
  #lose(open: OpenJob, why: string): void {
    this.#tell(open, 'cancel');
    if (open.hasEnded) {
      open.log.resolve(lostLogOf(open));
      return void this.#forget(open, false);
    }
    const { node, handover, begin } = open;
    // First the owner must know whether it begins.
    if (begin === 'asking') open.lostWhy ??= why;
    if (begin === 'asking') return;
    const isElsewhere = handover !== undefined && begin === 'not asked';
    this.#refuse(open, begin === 'no' ? jobWithdrawn() : invokerLost(node, why), isElsewhere, 'timed out');
  }

  #forget(open: OpenJob, hasMoreLog: boolean): void {
    const { activationId } = open.job;
    if (!open.isReceived) this.#windows.leave(open.node);
    open.isReceived = true;
    if (this.#open.get(activationId) === open) this.#open.delete(activationId);
    this.#logs.over({ node: open.node, activationId, attempt: open.attempt }, hasMoreLog);
  }

  /** The job, if that node has it. */
  #own(from: string, activationId: string, attempt: number): OpenJob | undefined {
    const open = this.#open.get(activationId);
    return open?.node === from && open.attempt === attempt ? open : undefined;
  }

  #answer(node: string, activationId: string, attempt: number, mayBegin: boolean): void {
    this.#say(node, { type: 'begin', activationId, attempt, head: { mayBegin }, tail: Buffer.alloc(0) });
  }

  #tell({ node, job: { activationId }, attempt }: OpenJob, type: 'cancel'): void {
    this.#say(node, { type, activationId, attempt, head: {}, tail: Buffer.alloc(0) });
  }

  #say(node: string, message: Message): void {
    const { self, link, subjects } = this.#options;
    link.send(subjects.invoker(node, self.node), message);
  }
}

/** A node has ended a job within this time, in ms, after it began: the sandbox has its time limit to start, and to run. */
function longestRunMs({ limits }: Job): number {
  return 2 * limits.timeoutMs + overdueMs;
}
