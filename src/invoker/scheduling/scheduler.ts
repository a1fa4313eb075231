/**
 * Decides which sandbox runs which job. A job gets, in this order: a warm slot of its group; a prewarmed slot of its
 * kind and size, which is then initialised; a new slot. Slots that are being started are not bound to a job: the
 * first free slot takes the job that has waited longest. Up to `parallelSlots` slots of a group run side by side as
 * soon as there is work for them. Beyond that, another slot is started only if a job would wait longer than a start
 * takes, so a burst on a fast action does not start one sandbox per call. A slot whose action answers within a few
 * milliseconds gets its next jobs early (`run-line.ts`).
 *
 * An action can ask for a new slot for each job, for a number of slots to be kept ready, and for a maximum number
 * (`growth.ts`).
 *
 * When memory is short, idle slots end first (longest idle first), then prewarmed ones, then those kept ready for an
 * action. When there are none left, namespaces take turns: one that holds more than a starved one gives up a slot.
 *
 *   queued ──free slot──▶ handed over ──▶ running ──answer──▶ done
 *      └──prewarmed/new──▶ starting ──▶ handed over ──init──▶ (slot joins its group) ──▶ running
 *
 * A job is handed over when a slot is free, or will be at once: then its owner says that it begins or that it is
 * withdrawn (`handing-over.ts`). While a slot waits for that answer, it takes other jobs of a quick action that wait
 * for theirs.
 */
import {
  type Handover,
  type InvokerLoad,
  type InvokerStatus,
  invokerClosed,
  type Job,
  type JobEnd,
  type JobTarget,
  type KeptAction,
  type LiveLog,
  type LoadGrant,
  type LoadNote,
  loadGrantMs,
} from '../../dispatch/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { responseOfRun } from '../runner/outcomes.ts';
import type { RunEnd } from '../runner/runner.ts';
import type { MemoryLedger } from '../slots/memory-ledger.ts';
import type { PrewarmPool } from '../slots/prewarm.ts';
import type { Slot } from '../slots/slot.ts';
import type { SlotFactory } from '../slots/slots.ts';
import { type Cancelling, createCancelling } from './cancelling.ts';
import { hasMoreThanOneOf } from './fair-share.ts';
import { createFollowers, type LogPlace, placeIn } from './followers.ts';
import {
  freeSlot,
  type Group,
  grant,
  newWaitingJob,
  noteFailed,
  noteServed,
  type WaitingJob,
} from './group.ts';
import { createGroups, type Groups } from './groups.ts';
import { isFull, lacksWarm, needsAnother, whyNoOther } from './growth.ts';
import { createHandovers, type Handovers } from './handing-over.ts';
import { busy, complete, type Origin, originOfRun, rejection, runRequest } from './job-exchange.ts';
import { grantLoads, keptActions } from './kept-actions.ts';
import { loadOf, noteOf, statusOf } from './load.ts';
import { meet } from './obstacles.ts';
import type { ProcessorShares } from './processor-shares.ts';
import { SlotLives } from './slot-lives.ts';
import { sweepSlots } from './sweep.ts';
import { createWaitingLine } from './waiting-line.ts';

export interface SchedulerOptions {
  readonly factory: Pick<SlotFactory, 'plan'>;
  readonly ledger: MemoryLedger;
  readonly prewarm: PrewarmPool;
  readonly shares: Pick<ProcessorShares, 'join'>;
  readonly log: Log;
  /** How many slots may be starting at once. */
  readonly maxStarting: number;
  readonly maxQueued: number;
  /** True while no call of the namespace may begin. Call `resume` when that has changed. */
  readonly isHeldBack: (namespace: string) => boolean;
  /** How long a slot serves before it may be taken from a namespace that has more than its share. */
  readonly quantumMs: number;
  /** Slots of one group that can make progress at once: the host's processors. */
  readonly parallelSlots: number;
  /** Memory that all sandboxes use now. Cheap. */
  readonly memoryUsedMiB: () => number;
  /** Sandboxes that have ended but could not be removed yet. */
  readonly sandboxesLeft: () => number;
  /** The largest result, serialised. Absent: the default. */
  readonly resultBytes?: number | undefined;
}

const shuttingDown = 'The platform is shutting down.';
const namespaceGone = 'The namespace was deleted.';

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #groups: Groups;
  readonly #lives: SlotLives;
  readonly #line = createWaitingLine();
  readonly #followers = createFollowers();
  readonly #handovers: Handovers;
  readonly #cancelling: Cancelling;
  #closed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#groups = createGroups(options.factory, options.ledger);
    this.#cancelling = createCancelling(this.#groups, this.#line);
    this.#handovers = createHandovers(options.isHeldBack);
    this.#lives = new SlotLives({
      ...options,
      groups: this.#groups,
      line: this.#line,
      handOver: (group, slot, pending) => this.#handOver(group, slot, pending),
      onInit: ({ activationId }, slot) =>
        this.#moveLog(activationId, { source: slot.runner, id: 'init', isContinued: false }),
      onReady: (group, slot, first, origin) => this.#welcome(group, slot, first, origin),
      onChange: (group) => {
        this.#schedule();
        this.#groups.forget(group);
      },
    });
  }

  /**
   * Runs a job. Rejects with IMAGE_UNKNOWN, IMAGE_UNUSABLE, JOB_WITHDRAWN, or the error of `handover`.
   * @throws Fault INVOKER_CLOSED, INVOKER_BUSY, ACTION_TOO_LARGE, KIND_UNKNOWN, IMAGE_UNKNOWN, POLICY_EXCEEDED
   */
  submit(job: Job, handover?: Handover): Promise<JobEnd> {
    if (this.#closed) throw invokerClosed();
    const group = this.#groups.of(job);
    group.template = job;
    if (group.minWarm > 0) grant(group, 'allowed', loadGrantMs);
    const isNext = group.queue.length === 0 && !this.#options.isHeldBack(group.namespace);
    const slot = isNext ? freeSlot(group, this.#isShort) : undefined;
    if (!slot && this.#line.length >= this.#options.maxQueued) {
      this.#groups.forget(group);
      throw busy(group);
    }
    return new Promise((resolve, reject) => {
      const settle = (end: JobEnd) => {
        this.#cancelling.leave(job.activationId);
        if (!this.#followers.isEmpty) this.#followers.release(job.activationId, end.log);
        resolve(end);
      };
      const refuse = (fault: unknown) => {
        this.#cancelling.leave(job.activationId);
        if (!this.#followers.isEmpty) this.#followers.release(job.activationId);
        reject(fault);
      };
      const pending = newWaitingJob(group, slot, { job, settle, refuse, handover });
      if (slot) return void this.#serve(group, slot, pending);
      this.#line.add(group, pending);
      this.#schedule();
      this.#handovers.askAhead(group);
    });
  }

  cancel(activationId: string): void {
    this.#cancelling.cancel(activationId);
  }

  /** Starts a slot for coming jobs if the group has none that is idle or being started, and memory is free. */
  warm(target: JobTarget): void {
    const group = this.#closed ? undefined : this.#groupOrNone(target);
    if (!group) return;
    const isReady = group.starting > 0 || freeSlot(group, true) !== undefined;
    if (!isReady && !group.retired && !isFull(group)) this.#lives.begin(group, false);
    this.#groups.forget(group);
  }

  /** Also follows an activation that still waits for its slot. Undefined if there is no such activation. */
  follow(activationId: string, signal?: AbortSignal): LiveLog | undefined {
    const place = placeIn(this.#groups.all(), activationId);
    if (place === undefined) return undefined;
    return this.#followers.add(activationId, place === 'queue' ? undefined : place, signal);
  }

  /** Ends idle slots of an action, and lets none of its slots be used again. */
  retire(action: string): void {
    for (const group of [...this.#groups.all()]) {
      if (group.action !== action) continue;
      group.retired = true;
      for (const slot of group.slots.filter(({ inFlight }) => inFlight === 0)) this.#lives.drop(group, slot);
      this.#groups.forget(group);
    }
  }

  /** Namespaces of which something runs, waits or is kept. */
  namespaces(): ReadonlySet<string> {
    return new Set(Array.from(this.#groups.all(), ({ namespace }) => namespace));
  }

  /** Ends everything of a deleted namespace, including running jobs. */
  expel(namespace: string): void {
    for (const group of [...this.#groups.all()]) {
      if (group.namespace !== namespace) continue;
      group.retired = group.isExpelled = true;
      this.#refuseAll(group, namespaceGone);
      for (const { runner } of group.beginning.values()) void runner.end('ended');
      for (const slot of [...group.slots]) this.#lives.drop(group, slot);
      this.#groups.forget(group);
    }
  }

  /**
   * Takes back jobs that wait behind a slow one or were not begun. Freezes slots that have been idle since before
   * `freezeBefore`, and ends those that have been idle since before `endBefore`. Starts one missing slot of those to
   * be kept ready, if allowed.
   */
  sweep(freezeBefore: number, endBefore: number): void {
    for (const group of [...this.#groups.all()]) {
      sweepSlots(group, { freezeBefore, endBefore }, this.#lives);
      if (!this.isBusy && lacksWarm(group)) this.#lives.begin(group, false);
      this.#groups.forget(group);
    }
    this.#schedule();
  }

  /** The actions that are kept ready. */
  kept(): readonly KeptAction[] {
    return keptActions(this.#groups.all());
  }

  /** Says which kept actions may be loaded without a call; see `Dispatcher`. */
  grant(grants: readonly LoadGrant[], forMs: number): void {
    grantLoads(this.#groups.all(), grants, forMs);
  }

  /** Serves the queue again after a namespace is no longer held back. */
  resume(): void {
    this.#schedule();
  }

  /** True if a job waits or a slot is being started. */
  get isBusy(): boolean {
    return this.#line.length > 0 || this.#lives.starting > 0;
  }

  status(): InvokerStatus {
    const { starting } = this.#lives;
    return statusOf(this.#groups.all(), { ...this.#options, queued: this.#line.length, starting });
  }

  load(): InvokerLoad {
    const { startMs } = this.#lives;
    return loadOf(this.#groups.all(), this.status(), { ...this.#options, startMs });
  }

  note(): LoadNote {
    return noteOf(this.#groups.all(), this.status());
  }

  async close(): Promise<void> {
    this.#closed = true;
    const groups = [...this.#groups.all()];
    for (const group of groups) this.#refuseAll(group, shuttingDown);
    await Promise.all(groups.flatMap(({ slots }) => slots.map(({ runner }) => runner.end('ended'))));
  }

  /** True if a group waits for memory: slots must become idle so that they can be given up. */
  get #isShort(): boolean {
    return this.#line.starved.size > 0;
  }

  /** For a hint, which reports no errors: the call itself will. */
  #groupOrNone(target: JobTarget): Group | undefined {
    try {
      return this.#groups.of(target);
    } catch (error) {
      this.#options.log.debug({ action: target.action, reason: messageOf(error) }, 'not warmed up');
      return undefined;
    }
  }

  #schedule(): void {
    if (!this.#closed) this.#line.serve((group) => this.#place(group));
  }

  /** Finds a slot for the group's next job, or starts one. True if it did something. */
  #place(group: Group): boolean {
    if (this.#options.isHeldBack(group.namespace)) {
      meet(group, 'the output of its namespace was being processed');
      return false;
    }
    const slot = freeSlot(group, this.#isShort || group.queue[0]?.hasLostSandbox === true);
    if (!slot) {
      const lives = this.#lives;
      const obstacle = needsAnother(group, this.#options.parallelSlots, lives.startMs)
        ? lives.begin(group, true)
        : whyNoOther(group);
      if (obstacle) meet(group, obstacle);
      return obstacle === undefined;
    }
    const pending = this.#line.take(group);
    if (pending) void this.#serve(group, slot, pending);
    return pending !== undefined;
  }

  #welcome(group: Group, slot: Slot, first: WaitingJob | undefined, origin: Origin): void {
    if (first) {
      void this.#serve(group, slot, first, origin);
      return;
    }
    if (group.retired || this.#closed) this.#lives.drop(group, slot);
  }

  async #serve(group: Group, slot: Slot, pending: WaitingJob, origin?: Origin): Promise<void> {
    const { job } = pending;
    this.#cancelling.serve(pending, slot);
    const begun = pending.handover === undefined || this.#handOver(group, slot, pending);
    if (begun === false) return;
    slot.inFlight++;
    if (group.isFresh) slot.isSpent = true;
    // Charges the expected cost now, and the difference when the real cost is known.
    const expectedMs = Number.isFinite(group.serviceMs) ? group.serviceMs : 0;
    this.#charge(group, expectedMs);
    if (begun !== true && !(await begun)) {
      slot.inFlight--;
      this.#charge(group, -expectedMs);
      this.#release(group, slot);
      return;
    }
    const running = slot.runner.run(runRequest(job), job.limits);
    const isContinued = origin !== undefined;
    this.#moveLog(job.activationId, { source: slot.runner, id: job.activationId, isContinued });
    this.#handovers.askAhead(group);
    const end = await running;
    slot.inFlight--;
    slot.idleSince = performance.now();
    this.#charge(group, (end?.serviceMs ?? 0) - expectedMs);
    if (end) this.#judge(group, slot, pending, end, origin);
    else this.#putBack(group, { ...pending, hasLostSandbox: slot.runner.isEnded });
    this.#release(group, slot);
  }

  /**
   * Returns whether the slot runs the job. If the slot has ended in the meantime, a job that may begin is first in
   * the queue again.
   */
  #handOver(group: Group, slot: Slot, pending: WaitingJob): boolean | Promise<boolean> {
    this.#cancelling.serve(pending, slot);
    const begun = this.#handovers.ask(pending);
    if (!(begun instanceof Promise)) return begun;
    slot.claiming++;
    return begun.then((hasBegun) => {
      slot.claiming--;
      const hasLostSandbox = slot.runner.isEnded;
      if (hasBegun && this.#cancelling.hasAnswered(pending)) return false;
      if (!hasBegun || !(hasLostSandbox || group.isExpelled || this.#closed)) return hasBegun;
      this.#putBack(group, { ...pending, hasLostSandbox });
      return false;
    });
  }

  #charge(group: Group, ms: number): void {
    this.#line.charge(group, group.plan.memoryMiB * ms);
  }

  #judge(
    group: Group,
    slot: Slot,
    pending: WaitingJob,
    { outcome, serviceMs, ...ran }: NonNullable<RunEnd>,
    origin: Origin | undefined,
  ): void {
    const { job, settle } = pending;
    noteServed(group, serviceMs);
    // As in OpenWhisk: after a developer error the state of the sandbox is unknown.
    if (outcome.kind !== 'value' && outcome.kind !== 'too-large')
      noteFailed(group, slot, pending.isCancelled);
    if (outcome.kind === 'busy' && !pending.isSecondTry) {
      this.#putBack(group, { ...pending, isSecondTry: true });
      return;
    }
    const response = responseOfRun(outcome, job.limits, this.#options.resultBytes);
    settle(complete(pending, response, originOfRun(ran, origin)));
  }

  /** Puts a job that no slot has begun first in the queue again. */
  #putBack(group: Group, pending: WaitingJob): void {
    this.#cancelling.leave(pending.job.activationId);
    if (this.#cancelling.hasAnswered(pending)) return;
    if (this.#closed || group.isExpelled) {
      pending.settle(rejection(pending, this.#closed ? shuttingDown : namespaceGone));
      return;
    }
    const reason = pending.reason ?? 'all its sandboxes were busy';
    this.#line.putBack(this.#groups.current(group), { ...pending, reason });
  }

  /** After an answer, gives the slot the group's next job, or gives another group a turn. */
  #release(group: Group, slot: Slot): void {
    if (!slot.runner.isEnded) {
      if (group.retired || this.#mustYield(group, slot)) slot.isSpent = true;
      if (slot.isSpent && slot.inFlight === 0) this.#lives.drop(group, slot);
    }
    this.#schedule();
  }

  #mustYield(group: Group, slot: Slot): boolean {
    if (!this.#isShort || performance.now() - slot.startedAt < this.#options.quantumMs) return false;
    return hasMoreThanOneOf(group, this.#line.starved, this.#groups.all());
  }

  /** Moves the followers of the activation's log. */
  #moveLog(activationId: string, place: LogPlace): void {
    if (!this.#followers.isEmpty) this.#followers.move(activationId, place);
  }

  #refuseAll(group: Group, why: string): void {
    for (let next = this.#line.take(group); next; next = this.#line.take(group)) {
      // The job's owner may keep a job that has not begun for later.
      if (this.#closed && next.handover !== undefined) next.refuse(invokerClosed());
      else next.settle(rejection(next, why));
    }
  }
}
