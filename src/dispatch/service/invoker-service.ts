/**
 * Serves the invoker of this process to API nodes on the bus.
 *
 * A job is known by its API node, its activation and its attempt. A repeated `run` is answered with the present state
 * of the job and never runs it again; this is remembered for ten minutes after its end. The end of a job (its result
 * and its log, or why it was refused) is kept until the API node acknowledges it, and sent again if it does not. The
 * jobs of an API node that is not heard any more are cancelled.
 */
import { BoundedMap, type Log } from '../../lib/index.ts';
import type { ActivationLog } from '../activation-log.ts';
import { dispatchFault } from '../faults.ts';
import type { Dispatcher, Handover, Job, JobEnd, ViolationReport } from '../types.ts';
import { invalid, noActivation } from '../wire/frames.ts';
import {
  grantsSchema,
  type HeadOf,
  mostSendings,
  parsed,
  parseHead,
  plain,
  type Sending,
} from '../wire/heads.ts';
import type { Link } from '../wire/link.ts';
import type { Message } from '../wire/messages.ts';
import type { Subjects } from '../wire/subjects.ts';
import { parseTail } from '../wire/tails.ts';
import { logInTurn, logMessages, refusalMessage, resultMessage, type ServedJob } from './served-job.ts';
import { ServedLogs } from './served-logs.ts';

export interface InvokerServiceOptions {
  readonly node: string;
  readonly invoker: Pick<Dispatcher, 'run' | 'cancel' | 'follow' | 'warm' | 'grant' | 'retire' | 'expel'>;
  readonly link: Link;
  readonly subjects: Subjects;
  readonly log: Log;
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
/** The end of a job is remembered for this long, and of so many jobs. */
const rememberMs = 600_000;
const mostRemembered = 100_000;
/** An API node that is silent for longer has left its jobs. */
export const apiSilentMs = 10_000;

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

  constructor(options: InvokerServiceOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    const { invoker } = options;
    this.#logs = new ServedLogs({ invoker, now: this.#now, send: (api, message) => this.#say(api, message) });
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

  /** The API node lives, as that process. The next tick cancels jobs of an earlier one. */
  heard(api: string, start: string): void {
    this.#heard.set(api, { at: this.#now(), start });
  }

  /** The API node says that it leaves. */
  left(api: string): void {
    this.#heard.delete(api);
    for (const job of this.#jobs.values()) if (job.api === api) this.#abandon(job);
    this.#logs.gone(api);
  }

  violated(api: string, report: ViolationReport): void {
    this.#say(api, {
      ...{ type: 'violation', activationId: noActivation, attempt: 0 },
      ...{ head: plain({ report }), tail: Buffer.alloc(0) },
    });
  }

  /** Takes no more jobs, and resolves when those that are here are over, after that time, or when the bus is down. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    const end = this.#now() + timeoutMs;
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
      const isGone = now - heard.at > apiSilentMs;
      if (isGone || (heard.start ?? job.start) !== job.start) this.#abandon(job);
      else this.#look(job, now);
    }
    for (const [key, at] of this.#past) {
      if (at > now - rememberMs) break;
      this.#past.delete(key);
    }
    if (now - this.#beatAt < beatMs) return;
    this.#beatAt = now;
    for (const [api, jobs] of Map.groupBy(this.#jobs.values(), ({ api }) => api)) this.#beat(api, jobs);
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
    const refuse = (error: unknown) => this.#say(api, refusalMessage({ activationId, attempt }, error));
    // The invoker knows jobs by their activation alone.
    if (this.#running.has(activationId))
      return void refuse(dispatchFault('INVOKERS_BUSY', 'an earlier attempt of the activation still runs'));
    if (this.#isDraining) return void refuse(dispatchFault('INVOKERS_BUSY', 'the node stops'));
    let head: HeadOf<'run'>;
    let job: Job;
    try {
      head = parseHead('run', message.head);
      job = { ...head.job, activationId, parameters: parametersOf(message.tail) };
    } catch (error) {
      refuse(error);
      throw error;
    }
    void this.#serve(api, head, job, attempt);
  }

  async #serve(api: string, { start, sentAt, isAsked }: HeadOf<'run'>, sentJob: Job, attempt: number) {
    // Times are in the clock of the API node; the difference contains the way of the message.
    const offsetMs = Date.now() - sentAt;
    const job: Job = { ...sentJob, acceptedAt: sentJob.acceptedAt + offsetMs };
    const { activationId } = job;
    const served: ServedJob = {
      ...{ key: keyOf(api, activationId, attempt), api, start, activationId, attempt },
      ...{ isReceipted: false, begin: undefined, askedAt: 0, hasEnded: false, isAbandoned: false },
      ...{ kept: [], endedAt: Number.POSITIVE_INFINITY, resends: 0 },
    };
    this.#jobs.set(served.key, served);
    this.#running.set(activationId, served);
    this.#receiptLater(served);
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
    const log = await end.log.catch((): ActivationLog => []);
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
    if (job.isAbandoned) return;
    job.isReceipted = true;
    job.kept.push(message);
    this.#say(job.api, message);
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

  /** No one waits for the job: ends it, and does not say so. */
  #abandon(job: ServedJob): void {
    job.isAbandoned = true;
    this.#cancel(job);
    job.begin?.(false);
    if (job.hasEnded) this.#forget(job);
  }

  #forget(job: ServedJob): void {
    this.#jobs.delete(job.key);
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
        ...{ head: { of }, tail: Buffer.alloc(0) },
      });
    }
  }

  #say(api: string, message: Message): void {
    const { node, link, subjects } = this.#options;
    link.send(subjects.api(api, node), message);
  }
}

function keyOf(api: string, activationId: string, attempt: number): string {
  return `${api} ${activationId} ${attempt}`;
}

/** @throws Fault MESSAGE_INVALID */
function parametersOf(tail: Buffer): Job['parameters'] {
  const value = parseTail(tail, 'parameters');
  if (typeof value !== 'object' || value === null)
    throw invalid('parameters are neither an object nor a list');
  return value as Job['parameters'];
}
