/**
 * Decides which sandbox runs which job. For a job, in this order: a warm slot of its group; a prewarmed slot of
 * its kind and size, then `init`; a new slot. Slots on their way are not bound to a job: whichever slot is free
 * first takes the job that has waited longest. Up to `parallelSlots` slots of a group run side by side as soon as
 * there is work for them; past that, a further one is started only when a job is to wait longer than a start takes,
 * so a burst on a fast action does not start a sandbox a call. A slot whose action answers within a few milliseconds
 * is handed its next jobs early (`run-line.ts`).
 *
 * An action can ask for a new slot for each job, for a number of slots that are kept ready, and for a greatest number of
 * them (`growth.ts`).
 *
 * When memory is short, idle slots go first (longest idle first), then prewarmed ones, then those that an action is to
 * keep ready. When there are none, namespaces take turns: one that holds more than a starved one gives a slot up.
 *
 *   queued ──free slot──▶ handed over ──▶ running ──answer──▶ done
 *      └──prewarmed/new──▶ starting ──▶ handed over ──init──▶ (slot joins its group) ──▶ running
 *
 * A job is handed over when a slot is there, or will be at once: whose job it is then says that it begins, or that it is
 * withdrawn (`handing-over.ts`). A slot that has to wait for that takes others of a quick action that wait for the same.
 */
import type {
  Handover,
  InvokerStatus,
  Job,
  JobEnd,
  JobTarget,
  KeptAction,
  LiveLog,
  LoadGrant,
} from '../../dispatch/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { invokerClosed } from '../faults.ts';
import { responseOfRun } from '../runner/outcomes.ts';
import type { RunEnd } from '../runner/runner.ts';
import type { MemoryLedger } from '../slots/memory-ledger.ts';
import type { PrewarmPool } from '../slots/prewarm.ts';
import type { Slot } from '../slots/slot.ts';
import type { SlotFactory } from '../slots/slots.ts';
import { type Cancelling, createCancelling } from './cancelling.ts';
import { hasMoreThanOneOf } from './fair-share.ts';
import { createFollowers, type LogPlace, placeOf } from './followers.ts';
import { freeSlot, type Group, newWaitingJob, noteFailed, noteServed, type WaitingJob } from './group.ts';
import { createGroups, type Groups } from './groups.ts';
import { endGrant, grant, grantKey, hasSpare, isFull, lacksWarm, needsAnother } from './growth.ts';
import { createHandovers, type Handovers } from './handing-over.ts';
import { both, busy, complete, type Origin, rejection, runRequest } from './job-exchange.ts';
import type { ProcessorShares } from './processor-shares.ts';
import { SlotLives } from './slot-lives.ts';
import { createWaitingLine } from './waiting-line.ts';

export interface SchedulerOptions {
  readonly factory: Pick<SlotFactory, 'plan'>;
  readonly ledger: MemoryLedger;
  readonly prewarm: PrewarmPool;
  readonly shares: Pick<ProcessorShares, 'join'>;
  readonly log: Log;
  /** Slots that may be starting at once. */
  readonly maxStarting: number;
  readonly maxQueued: number;
  /** No call of the namespace is begun for now; when that has changed, `resume` is to be called. */
  readonly isHeldBack: (namespace: string) => boolean;
  /** How long a slot serves before it may be taken from a namespace that has more than its share. */
  readonly quantumMs: number;
  /** Slots of one group that can make progress at once: the host's processors. */
  readonly parallelSlots: number;
  /** The largest result, serialised; absent: the default. */
  readonly resultBytes?: number | undefined;
}

/** The gate has allowed a job, so its code may be loaded as long as after a grant. */
const jobGrantMs = 2_500;
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
   * Rejects with IMAGE_UNKNOWN, IMAGE_UNUSABLE, JOB_WITHDRAWN, and with what `handover` does.
   * @throws Fault INVOKER_CLOSED, INVOKER_BUSY, ACTION_TOO_LARGE, KIND_UNKNOWN, IMAGE_UNKNOWN, POLICY_EXCEEDED
   */
  submit(job: Job, handover?: Handover): Promise<JobEnd> {
    if (this.#closed) throw invokerClosed();
    const group = this.#groups.of(job);
    group.template = job;
    if (group.minWarm > 0) grant(group, 'allowed', jobGrantMs);
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

  /** Starts a slot for jobs to come, when the group has none idle or on its way and memory is free. */
  warm(target: JobTarget): void {
    const group = this.#closed ? undefined : this.#groupOrNone(target);
    if (!group) return;
    const isReady = group.starting > 0 || freeSlot(group, true) !== undefined;
    if (!isReady && !group.retired && !isFull(group)) this.#lives.begin(group, false);
    this.#groups.forget(group);
  }

  /** Also of an activation that still waits for its slot. Undefined when there is no such activation. */
  follow(activationId: string, signal?: AbortSignal): LiveLog | undefined {
    for (const group of this.#groups.all()) {
      const place = placeOf(group, activationId);
      if (place === 'none') continue;
      return this.#followers.add(activationId, place === 'queue' ? undefined : place, signal);
    }
    return undefined;
  }

  /** Ends what is idle of an action, and lets nothing of it be used again. */
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

  /** Ends everything of a namespace that was deleted, what runs included. */
  expel(namespace: string): void {
    for (const group of [...this.#groups.all()]) {
      if (group.namespace !== namespace) continue;
      group.retired = group.isExpelled = true;
      this.#turnAwayAll(group, namespaceGone);
      for (const { runner } of group.beginning.values()) void runner.end('ended');
      for (const slot of [...group.slots]) this.#lives.drop(group, slot);
      this.#groups.forget(group);
    }
  }

  /**
   * Takes back jobs that wait behind a slow one or were not begun, freezes slots idle since before `freezeBefore`, ends those idle
   * since before `endBefore`, and starts one that is missing of those that are to be ready, as long as they may be.
   */
  sweep(freezeBefore: number, endBefore: number): void {
    for (const group of [...this.#groups.all()]) {
      endGrant(group);
      for (const slot of [...group.slots]) {
        if (slot.inFlight > 0) {
          slot.runner.reclaim();
          continue;
        }
        if (slot.idleSince < endBefore && hasSpare(group)) this.#lives.drop(group, slot);
        else if (slot.idleSince < freezeBefore) {
          slot.runner.freeze().catch(() => void slot.runner.end('exited'));
        }
      }
      if (!this.isBusy && lacksWarm(group)) this.#lives.begin(group, false);
      this.#groups.forget(group);
    }
    this.#schedule();
  }

  /** What is kept ready. */
  kept(): readonly KeptAction[] {
    const kept = [...this.#groups.all()].filter(({ minWarm, retired }) => minWarm > 0 && !retired);
    return kept.map(({ template: { namespace, action, revision, kind, image, code } }) => ({
      ...{ namespace, action, revision, kind, image, code },
    }));
  }

  /** Tells what of it may be loaded while it is not called; see `Dispatcher`. */
  grant(grants: readonly LoadGrant[], forMs: number): void {
    const permissions = new Map(grants.map((each) => [grantKey(each), each.permission]));
    for (const group of this.#groups.all()) {
      const permission = permissions.get(grantKey(group.template));
      if (permission !== undefined) grant(group, permission, forMs);
    }
  }

  /** A namespace is held back no longer. */
  resume(): void {
    this.#schedule();
  }

  /** A job waits, or a slot is on its way. */
  get isBusy(): boolean {
    return this.#line.length > 0 || this.#lives.starting > 0;
  }

  status(): InvokerStatus {
    const { ledger, prewarm } = this.#options;
    const slots = [...this.#groups.all()].flatMap((group) => group.slots);
    const busy = slots.filter(({ inFlight }) => inFlight > 0).length;
    return {
      queued: this.#line.length,
      sandboxes: {
        starting: this.#lives.starting,
        busy,
        idle: slots.length - busy,
        prewarmed: prewarm.size,
      },
      memoryMiB: ledger.usedMiB,
      memoryLimitMiB: ledger.limitMiB,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const groups = [...this.#groups.all()];
    for (const group of groups) this.#turnAwayAll(group, shuttingDown);
    await Promise.all(groups.flatMap(({ slots }) => slots.map(({ runner }) => runner.end('ended'))));
  }

  /** A group waits for memory: slots must come to rest so that they can be given up. */
  get #isShort(): boolean {
    return this.#line.starved.size > 0;
  }

  /** For a hint. The call itself will say what is wrong. */
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

  /** Finds a slot for the group's next job, or starts one; true when something was done. */
  #place(group: Group): boolean {
    if (this.#options.isHeldBack(group.namespace)) return false;
    const slot = freeSlot(group, this.#isShort || group.queue[0]?.hasLostSandbox === true);
    if (!slot) {
      const lives = this.#lives;
      return needsAnother(group, this.#options.parallelSlots, lives.startMs) && lives.begin(group, true);
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

  /** Whether the slot runs the job now. When the slot has ended meanwhile, a job that may begin is first in line again. */
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
    { outcome, serviceMs, logs, startedAt, violations }: NonNullable<RunEnd>,
    origin: Origin | undefined,
  ): void {
    const { job, settle } = pending;
    noteServed(group, serviceMs);
    // As OpenWhisk does: after a developer error nobody knows what state the sandbox is in.
    if (outcome.kind !== 'value' && outcome.kind !== 'too-large')
      noteFailed(group, slot, pending.isCancelled);
    if (outcome.kind === 'busy' && !pending.isSecondTry) {
      this.#putBack(group, { ...pending, isSecondTry: true });
      return;
    }
    const where: Origin = origin
      ? { ...origin, logs, violations: both(origin.violations, violations) }
      : { start: 'warm', startedAt, logs, violations };
    settle(complete(job, responseOfRun(outcome, job.limits, this.#options.resultBytes), where));
  }

  /** A job that no slot has begun: first in line again. */
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

  /** A slot has answered: it takes the group's next job, or another group gets a turn. */
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

  /** From now on, followers of the activation's log find it there. */
  #moveLog(activationId: string, place: LogPlace): void {
    if (!this.#followers.isEmpty) this.#followers.move(activationId, place);
  }

  #turnAwayAll(group: Group, why: string): void {
    for (let next = this.#line.take(group); next; next = this.#line.take(group)) {
      // Whose job it is may keep what has not begun for another time.
      if (this.#closed && next.handover !== undefined) next.refuse(invokerClosed());
      else next.settle(rejection(next, why));
    }
  }
}
