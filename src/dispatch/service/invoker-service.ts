/**
 * Serves the invoker of this process to API nodes on the bus.
 *
 * A job is known by its API node, its activation and its attempt. A repeated `run` is answered with the present state
 * of the job and never runs it again; this is remembered for ten minutes after its end. The end of a job (its result
 * and its log, or why it was refused) is kept until the API node acknowledges it, and sent again if it does not. The
 * jobs of an API node that is not heard any more are cancelled.
 */
import { BoundedMap, type Fault, type JsonObject, type Log } from '../../lib/index.ts';
import { lostLog } from '../activation-log.ts';
import { earlierAttemptRuns, invokerClosed } from '../faults.ts';
import type { LoadNote } from '../placement/types.ts';
import type { Dispatcher, Handover, Job, JobEnd, ViolationReport } from '../types.ts';
import { noActivation } from '../wire/frames.ts';
import { grantsSchema, mostSendings, parsed, parseHead, plain, type Sending } from '../wire/heads.ts';
import type { Link } from '../wire/link.ts';
import type { Message } from '../wire/messages.ts';
import { type RunOrder, runIn } from '../wire/run-message.ts';
import type { Subjects } from '../wire/subjects.ts';
import { parseTail } from '../wire/tails.ts';
import { logInTurn, logMessages, refusalMessage, resultMessage, type ServedJob } from './served-job.ts';
import { ServedLogs } from './served-logs.ts';

export interface InvokerServiceOptions {
  readonly node: string;
  readonly invoker: Pick<Dispatcher, 'run' | 'cancel' | 'follow' | 'warm' | 'grant' | 'retire' | 'expel'> & {
    /** Its load at this moment. */
    note(): LoadNote;
    /** Brings an image here, some time. */
    prefetch(target: Pick<Job, 'image'>): void;
  };
  readonly link: Pick<Link, 'send' | 'isUp'>;
  readonly subjects: Subjects;
  /** The operator has drained this node. */
  readonly isDrained: () => boolean;
  /** Messages that are read now may be old: this process stood still. */
  readonly mayReadLate: () => boolean;
  readonly log: Log;
  /** What the ends that were not acknowledged may take in memory. Absent: 256 MiB. */
  readonly keptBytes?: number;
  /** A monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

/** Receipts wait this long for others, and go together. Jobs that end sooner need none. */
const receiptMs = 20;
const beatMs = 1_000;
/** A question whether a job begins is repeated after this time. */
const askMs = 500;
/** Ends are sent again after these times. */
const resendMs = [1_000, 5_000, 20_000] as const;
/** Ends are kept for this long. */
const keepMs = 60_000;
const mostKeptBytes = 256 * 1024 * 1024;
/** What a message takes beyond its tail, about. */
const messageBytes = 1024;
/** The end of a job is remembered for this long, and of so many jobs. */
const rememberMs = 600_000;
const mostRemembered = 100_000;
/** An API node that is silent for longer has left its jobs. */
const apiSilentMs = 10_000;

export class InvokerService {
  readonly #options: InvokerServiceOptions;
  readonly #now: () => number;
  readonly #logs: ServedLogs;
  readonly #jobs = new Map<string, ServedJob>();
  /** Those that the invoker has, by activation. */
  readonly #running = new Map<string, ServedJob>();
  /** When jobs ended that are over. */
  readonly #past = new BoundedMap<string, number>(mostRemembered);
  /** When each API node was heard last, and as which process. */
  readonly #heard = new Map<string, { readonly at: number; readonly start: string | undefined }>();
  #receiptTimer: NodeJS.Timeout | undefined;
  readonly #unreceipted = new Set<ServedJob>();
  #beatAt = Number.NEGATIVE_INFINITY;
  #isDraining = false;
  #keptBytes = 0;

  constructor(options: InvokerServiceOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    const { invoker } = options;
    this.#logs = new ServedLogs({
      ...{ follow: invoker.follow, now: this.#now },
      send: (api, message) => this.#say(api, message),
    });
  }

  /** Jobs whose API node does not have their end yet. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Takes what an API node says. @throws Fault MESSAGE_INVALID */
  take(from: string, message: Message): void {
    const { type, activationId, attempt, head, tail } = message;
    const { invoker } = this.#options;
    if (type === 'run') return void this.#run(from, message);
    if (type === 'ack') return void this.#acknowledged(from, parseHead('ack', head).of);
    if (type === 'warm') return void invoker.warm(parseHead('warm', head).target);
    if (type === 'fetch') {
      for (const image of parseHead('fetch', head).images) invoker.prefetch({ image });
      return;
    }
    if (type === 'grant')
      return void invoker.grant(
        parsed(grantsSchema, parseTail(tail, 'grants')),
        parseHead('grant', head).forMs,
      );
    const job = this.#jobs.get(keyOf(from, activationId, attempt));
    if (type === 'follow')
      return void this.#logs.take(from, message, parseHead('follow', head), this.#isRunning(job));
    if (job === undefined) return;
    if (type === 'cancel') this.#cancel(job);
    if (type === 'begin') job.begin?.(parseHead('begin', head).mayBegin === true);
  }

  /** Takes what is said to all invokers. @throws Fault MESSAGE_INVALID */
  takeForAll({ type, head }: Message): void {
    const { invoker } = this.#options;
    if (type === 'retire') invoker.retire(parseHead('retire', head).action);
    if (type === 'expel') invoker.expel(parseHead('expel', head).namespace);
  }

  /** The API node lives, as that process. Cancels the jobs of the process before. */
  heard(api: string, start: string): void {
    const before = this.#heard.get(api)?.start;
    this.#heard.set(api, { at: this.#now(), start });
    if (before !== undefined && before !== start) this.#abandonAll(api, before);
  }

  /** That process of the API node leaves. Another one may have sent jobs already. */
  left(api: string, start: string): void {
    if (this.#heard.get(api)?.start === start) this.#heard.delete(api);
    this.#abandonAll(api, start);
    this.#logs.gone(api);
  }

  violated(api: string, report: ViolationReport): void {
    this.#say(api, {
      ...{ type: 'violation', activationId: noActivation, attempt: 0 },
      ...{ head: plain({ report }), tail: Buffer.alloc(0) },
    });
  }

  takeNoMore(): void {
    this.#isDraining = true;
  }

  /** Resolves when the jobs that are here are over, at that time, or when the bus is down. */
  async drain(end: number): Promise<void> {
    const { link } = this.#options;
    while (this.#jobs.size > 0 && this.#now() < end && link.isUp)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  close(): void {
    this.#isDraining = true;
    clearTimeout(this.#receiptTimer);
    for (const job of this.#jobs.values()) this.#abandon(job);
    this.#logs.close();
  }

  /** Sends beats, repeats what was not answered, and ends jobs that no one wants. Call it several times a second. */
  tick(): void {
    const now = this.#now();
    this.#logs.tick();
    for (const job of this.#jobs.values()) {
      const heard = this.#heard.get(job.api) ?? { at: now, start: undefined };
      this.#heard.set(job.api, heard);
      if (now - heard.at > apiSilentMs) this.#abandon(job);
      else this.#look(job, now);
    }
    for (const [key, at] of this.#past) {
      if (at > now - rememberMs) break;
      this.#past.delete(key);
    }
    if (now - this.#beatAt < beatMs) return;
    this.#beatAt = now;
    const jobsOf = Map.groupBy(this.#jobs.values(), ({ api }) => api);
    for (const [api, jobs] of jobsOf) this.#beat(api, jobs);
    for (const [api, { at }] of this.#heard)
      if (now - at > apiSilentMs && !jobsOf.has(api)) this.#heard.delete(api);
  }

  /** Tells with the next tick which jobs are here. */
  beatSoon(): void {
    this.#beatAt = Number.NEGATIVE_INFINITY;
  }

  #look(job: ServedJob, now: number): void {
    if (job.begin !== undefined && now - job.askedAt >= askMs) this.#ask(job);
    if (!job.hasEnded) return;
    const waitedMs = now - job.endedAt;
    if (waitedMs > keepMs) return void this.#forget(job);
    const next = resendMs[job.resends];
    if (next === undefined || waitedMs < next) return;
    job.resends++;
    for (const message of job.kept) this.#say(job.api, message);
  }

  #run(api: string, message: Message): void {
    const { activationId, attempt } = message;
    const key = keyOf(api, activationId, attempt);
    const known = this.#jobs.get(key);
    if (known !== undefined) return void this.#tellAgain(known);
    if (this.#past.has(key)) return;
    let order: RunOrder;
    try {
      order = runIn(message);
    } catch (error) {
      this.#say(api, refusalMessage({ activationId, attempt }, error));
      throw error;
    }
    const served: ServedJob = {
      ...{ key, api, start: order.start, activationId, attempt },
      ...{ isReceipted: false, begin: undefined, askedAt: 0, hasEnded: false, isAbandoned: false },
      ...{ kept: [], keptBytes: 0, endedAt: Number.POSITIVE_INFINITY, resends: 0 },
    };
    this.#jobs.set(key, served);
    const refusal = this.#refusalOf(activationId);
    // It is kept like any other end. If the job came again and ran then, it might run on two nodes.
    if (refusal !== undefined) return void this.#ended(served, [refusalMessage(served, refusal)]);
    this.#running.set(activationId, served);
    this.#receiptLater(served);
    // The API node may have given up a job that waited here unread. It is not to run after that was told.
    const isAsked = order.isAsked || this.#options.mayReadLate();
    void this.#serve(served, { ...order, isAsked });
  }

  /** Why this node takes no such job. */
  #refusalOf(activationId: string): Fault | undefined {
    // The invoker knows jobs by their activation alone.
    if (this.#running.has(activationId)) return earlierAttemptRuns();
    if (this.#isDraining) return invokerClosed('the node that was asked stops');
    return this.#options.isDrained() ? invokerClosed('the node that was asked takes no new work') : undefined;
  }

  async #serve(served: ServedJob, { sentAt, isAsked, job: sent }: RunOrder): Promise<void> {
    // Times are in the clock of the API node; the difference contains the way of the message.
    const offsetMs = Date.now() - sentAt;
    const job: Job = { ...sent, acceptedAt: sent.acceptedAt + offsetMs };
    let end: JobEnd;
    try {
      end = await this.#options.invoker.run(job, isAsked ? this.#handoverOf(served) : undefined);
    } catch (error) {
      return this.#ended(served, [refusalMessage(served, error)]);
    }
    const soon = await logInTurn(end.log);
    const { message, hasLog } = resultMessage(served, end.completion, offsetMs, soon);
    if (hasLog) return this.#ended(served, [message]);
    this.#keep(served, message);
    this.#stopped(served);
    const log = await end.log.catch(() => lostLog(job.limits));
    this.#ended(served, logMessages(served, log));
  }

  #handoverOf(job: ServedJob): Handover {
    return {
      begin: () =>
        new Promise((resolve) => {
          if (job.isAbandoned) return resolve(false);
          job.begin = (mayBegin) => {
            job.begin = undefined;
            resolve(mayBegin);
          };
          this.#ask(job);
        }),
    };
  }

  #ask(job: ServedJob): void {
    const { activationId, attempt } = job;
    job.askedAt = this.#now();
    job.isReceipted = true;
    this.#say(job.api, { type: 'begin', activationId, attempt, head: {}, tail: Buffer.alloc(0) });
  }

  /** The invoker has no part in it any more. */
  #stopped(job: ServedJob): void {
    if (this.#running.get(job.activationId) === job) this.#running.delete(job.activationId);
  }

  #ended(job: ServedJob, last: readonly Message[]): void {
    this.#stopped(job);
    job.hasEnded = true;
    job.endedAt = this.#now();
    for (const message of last) this.#keep(job, message);
    if (job.isAbandoned) this.#forget(job);
  }

  #keep(job: ServedJob, message: Message): void {
    if (job.isAbandoned || !this.#jobs.has(job.key)) return;
    job.isReceipted = true;
    const bytes = message.tail.length + messageBytes;
    job.kept.push(message);
    job.keptBytes += bytes;
    this.#keptBytes += bytes;
    this.#say(job.api, this.#noted(message));
    this.#keepBounded();
  }

  /** Drops the ends that wait longest, when an API node takes none. */
  #keepBounded(): void {
    const { keptBytes = mostKeptBytes } = this.#options;
    if (this.#keptBytes <= keptBytes) return;
    for (const job of this.#jobs.values()) {
      if (job.hasEnded) this.#forget(job);
      if (this.#keptBytes <= keptBytes) return;
    }
  }

  /** Answers a repeated `run`. */
  #tellAgain(job: ServedJob): void {
    if (job.kept.length === 0) return void this.#beat(job.api, [job]);
    for (const message of job.kept) this.#say(job.api, message);
  }

  #acknowledged(api: string, of: readonly Sending[]): void {
    for (const [activationId, attempt] of of) {
      const job = this.#jobs.get(keyOf(api, activationId, attempt));
      // One that has not ended was given up.
      if (job !== undefined) this.#abandon(job);
    }
  }

  #isRunning(job: ServedJob | undefined): boolean {
    return job !== undefined && this.#running.get(job.activationId) === job;
  }

  #cancel(job: ServedJob): void {
    if (this.#isRunning(job)) this.#options.invoker.cancel(job.activationId);
  }

  #abandonAll(api: string, start: string): void {
    for (const job of this.#jobs.values()) if (job.api === api && job.start === start) this.#abandon(job);
  }

  /** No one waits for the job: ends it, and does not say so. */
  #abandon(job: ServedJob): void {
    job.isAbandoned = true;
    this.#cancel(job);
    job.begin?.(false);
    if (job.hasEnded) this.#forget(job);
  }

  #forget(job: ServedJob): void {
    if (!this.#jobs.delete(job.key)) return;
    this.#keptBytes -= job.keptBytes;
    this.#unreceipted.delete(job);
    this.#past.set(job.key, this.#now());
  }

  #receiptLater(job: ServedJob): void {
    this.#unreceipted.add(job);
    this.#receiptTimer ??= setTimeout(() => {
      this.#receiptTimer = undefined;
      const jobs = [...this.#unreceipted].filter(({ isReceipted }) => !isReceipted);
      this.#unreceipted.clear();
      for (const [api, those] of Map.groupBy(jobs, ({ api }) => api)) this.#beat(api, those);
    }, receiptMs);
  }

  /** Tells the API node that its jobs are here. */
  #beat(api: string, jobs: readonly ServedJob[]): void {
    for (let at = 0; at < jobs.length; at += mostSendings) {
      const some = jobs.slice(at, at + mostSendings);
      const of = some.map(({ activationId, attempt }): Sending => [activationId, attempt]);
      for (const job of some) job.isReceipted = true;
      this.#say(api, {
        ...{ type: 'beat', activationId: noActivation, attempt: 0 },
        ...{ head: { of, load: this.#load() }, tail: Buffer.alloc(0) },
      });
    }
  }

  /** With the load of this moment. What is sent again has none, because it would be old. */
  #noted(message: Message): Message {
    return { ...message, head: { ...message.head, load: this.#load() } };
  }

  #load(): JsonObject {
    return plain(this.#options.invoker.note());
  }

  #say(api: string, message: Message): void {
    const { node, link, subjects } = this.#options;
    link.send(subjects.api(api, node), message);
  }
}

function keyOf(api: string, activationId: string, attempt: number): string {
  return `${api} ${activationId} ${attempt}`;
}
