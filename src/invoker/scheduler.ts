/**
 * Decides which sandbox runs which job. For a job, in this order: a warm slot of its group; a prewarmed slot of
 * its kind and size, then `init`; a new slot. Slots on their way are not bound to a job: whichever slot is free
 * first takes the job that has waited longest. Up to `parallelSlots` slots of a group run side by side as soon as
 * there is work for them; past that, a further one is started only when a job is to wait longer than a start takes,
 * so a burst on a fast action does not start a sandbox a call. A slot whose action answers within a few milliseconds
 * is handed its next jobs early (`run-line.ts`).
 *
 * When memory is short, idle slots go first (longest idle first, prewarmed ones last). When there are none,
 * namespaces take turns: a namespace that holds more than one that is starved gives a slot up after its quantum.
 *
 *   queued ──free slot──▶ running ──answer──▶ done
 *      └──prewarmed/new──▶ starting ──init──▶ (slot joins its group) ──▶ running
 */
import { isFault, type Log } from '../lib/index.ts';
import { createRotation } from './fair-rotation.ts';
import { hasMoreThanOneOf, longestIdle } from './fair-share.ts';
import { invokerFault } from './faults.ts';
import { createGroup, freeSlot, type Group, groupKey, type Pending } from './group.ts';
import { complete, initRequest, joined, runRequest } from './job-exchange.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { internalError, judgeInit, judgeRun } from './outcomes.ts';
import type { PrewarmPool } from './prewarm.ts';
import type { Slot, SlotFactory } from './slots.ts';
import type { Completion, Job } from './types.ts';

export interface SchedulerOptions {
  readonly factory: SlotFactory;
  readonly ledger: MemoryLedger;
  readonly prewarm: PrewarmPool;
  readonly log: Log;
  /** Slots that may be starting at once: starts are what costs the host most. */
  readonly maxStarting: number;
  readonly maxQueued: number;
  /** How long a slot serves before it may be taken from a namespace that has more than its share. */
  readonly quantumMs: number;
  /** Slots of one group that can make progress at once: the host's processors. */
  readonly parallelSlots: number;
}

/** How the slot of an activation came to be, when that was on its account. */
interface Initialisation {
  readonly start: 'prewarmed' | 'cold';
  readonly startedAt: number;
  readonly initMs: number;
  readonly logs: Promise<readonly string[]>;
}

const shuttingDown = 'The platform is shutting down.';

export class Scheduler {
  private readonly options: SchedulerOptions;
  private readonly groups = new Map<string, Group>();
  private readonly waiting = createRotation<Group>();
  private readonly giveBacks = new Map<Slot, () => void>();
  /** Groups that could not be served for want of memory. */
  private readonly starved = new Set<Group>();
  private queued = 0;
  private starting = 0;
  /** What a start has been taking, in ms. */
  private startMs = 50;
  private closed = false;

  constructor(options: SchedulerOptions) {
    this.options = options;
  }

  /** @throws Fault INVOKER_CLOSED, INVOKER_BUSY, ACTION_TOO_LARGE, KIND_UNKNOWN */
  submit(job: Job): Promise<Completion> {
    if (this.closed) throw invokerFault('INVOKER_CLOSED', 'the platform is shutting down');
    const group = this.groupOf(job);
    group.template = job;
    const slot = group.queue.length === 0 ? freeSlot(group, this.isShort) : undefined;
    if (!slot && this.queued >= this.options.maxQueued) {
      this.forget(group);
      throw invokerFault('INVOKER_BUSY', 'too many activations are waiting for a sandbox', {
        hint: 'try again',
      });
    }
    return new Promise((settle) => {
      if (slot) return void this.serve(group, slot, { job, settle, queuedAt: 0 });
      this.queued++;
      group.queue.push({ job, settle, queuedAt: performance.now() });
      this.waiting.add(group);
      this.schedule();
    });
  }

  /** Ends what is idle of an action, and lets nothing of it be used again. */
  retire(action: string): void {
    for (const group of [...this.groups.values()]) {
      if (group.action !== action) continue;
      group.retired = true;
      for (const slot of group.slots.filter((candidate) => candidate.inFlight === 0)) this.drop(group, slot);
      this.forget(group);
    }
  }

  /**
   * Takes back jobs that wait behind a slow one, freezes slots idle since before `freezeBefore`, and ends those idle
   * since before `endBefore`.
   */
  sweep(freezeBefore: number, endBefore: number): void {
    for (const group of [...this.groups.values()]) {
      for (const slot of [...group.slots]) {
        if (slot.inFlight > 1) slot.runner.reclaim();
        if (slot.inFlight > 0) continue;
        if (slot.idleSince < endBefore) this.drop(group, slot);
        else if (slot.idleSince < freezeBefore) {
          slot.runner.freeze().catch(() => void slot.runner.end('exited'));
        }
      }
      this.forget(group);
    }
    this.schedule();
  }

  /** Somebody waits, or a slot is on its way. */
  get isBusy(): boolean {
    return this.queued > 0 || this.starting > 0;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const group of this.groups.values()) {
      for (const pending of group.queue.splice(0)) this.reject(pending, shuttingDown);
    }
    const slots = [...this.groups.values()].flatMap((group) => group.slots);
    await Promise.all(slots.map((slot) => slot.runner.end('ended')));
  }

  /** Somebody waits for memory: slots must come to rest so that they can be given up. */
  private get isShort(): boolean {
    return this.starved.size > 0;
  }

  private groupOf(job: Job): Group {
    const key = groupKey(job);
    const known = this.groups.get(key);
    if (known) return known;
    const { ledger } = this.options;
    if (job.limits.memoryMiB > ledger.limitMiB) {
      const text = `the action asks for ${job.limits.memoryMiB} MiB, and all sandboxes together have ${ledger.limitMiB} MiB`;
      throw invokerFault('ACTION_TOO_LARGE', text, { hint: 'lower the memory limit of the action' });
    }
    const group = createGroup(job, this.options.factory.codeOf(job));
    this.groups.set(key, group);
    return group;
  }

  private schedule(): void {
    if (this.closed) return;
    while (this.waiting.next((group) => this.place(group)));
  }

  /** Finds a slot for the group's next job, or starts one; true when something was done. */
  private place(group: Group): boolean {
    const slot = freeSlot(group, this.isShort);
    if (slot) {
      const pending = this.dequeue(group);
      if (pending) void this.serve(group, slot, pending);
      return pending !== undefined;
    }
    if (!this.needsAnother(group)) return false;
    const blank = this.options.prewarm.take(group.kind, group.memoryMiB);
    if (blank) {
      void this.launch(group, 'prewarmed', blank.giveBack, async () => {
        await this.options.factory.lay(blank.slot, group.code);
        return blank.slot;
      });
      return true;
    }
    if (this.starting >= this.options.maxStarting) return false;
    if (!this.makeRoom(group)) return false;
    const { factory, ledger } = this.options;
    void this.launch(group, 'cold', ledger.take(group.memoryMiB), () =>
      factory.start(group.kind, group.memoryMiB, group.code),
    );
    return true;
  }

  private needsAnother(group: Group): boolean {
    const { length } = group.queue;
    if (group.starting * group.concurrency >= length) return false;
    const slots = group.slots.length + group.starting;
    if (slots < this.options.parallelSlots) return true;
    const isKnown = Number.isFinite(group.serviceMs);
    if (!isKnown && group.starting > 0) return false;
    const [oldest] = group.queue;
    const waitedMs = oldest ? performance.now() - oldest.queuedAt : 0;
    const expectedMs = isKnown ? (length / (slots * group.concurrency)) * group.serviceMs : 0;
    return Math.max(waitedMs, expectedMs) > this.startMs;
  }

  private dequeue(group: Group): Pending | undefined {
    const pending = group.queue.shift();
    if (pending) this.queued--;
    if (group.queue.length === 0) {
      this.waiting.remove(group);
      this.starved.delete(group);
    }
    return pending;
  }

  private makeRoom(group: Group): boolean {
    const { ledger, prewarm } = this.options;
    while (!ledger.fits(group.memoryMiB)) {
      const idle = longestIdle(this.groups.values());
      if (idle) this.drop(idle.group, idle.slot);
      else if (!prewarm.evictOne()) {
        this.starved.add(group);
        return false;
      }
    }
    this.starved.delete(group);
    return true;
  }

  /** Gets a slot, initialises it for the group's first job in line, and lets it serve. */
  private async launch(
    group: Group,
    start: 'prewarmed' | 'cold',
    giveBack: () => void,
    obtain: () => Promise<Slot>,
  ): Promise<void> {
    this.starting++;
    group.starting++;
    const begunAt = performance.now();
    let slot: Slot | undefined;
    try {
      slot = await obtain();
      if (start === 'cold') this.startMs = smoothed(this.startMs, performance.now() - begunAt);
      this.giveBacks.set(slot, giveBack);
      void slot.runner.ended.then((failure) => {
        this.options.log.debug({ action: group.action, failure }, 'a sandbox ended');
        this.onEnded(group, slot);
      });
      await this.initialise(group, slot, start);
    } catch (error) {
      this.options.log.error(
        { err: error, action: group.action, kind: group.kind },
        'a sandbox did not start',
      );
      if (slot) await slot.runner.end('ended');
      else giveBack();
      const pending = this.dequeue(group);
      if (pending) this.reject(pending, `The platform could not start the action: ${publicReason(error)}`);
    } finally {
      this.starting--;
      group.starting--;
      this.schedule();
      this.forget(group);
    }
  }

  /** With nobody left in line, the slot is made ready for the next call all the same. */
  private async initialise(group: Group, slot: Slot, start: 'prewarmed' | 'cold'): Promise<void> {
    const first = this.dequeue(group);
    const job = first?.job ?? group.template;
    const startedAt = Date.now();
    const { outcome, logs } = await slot.runner.init(initRequest(job), job.limits);
    const init: Initialisation = { start, startedAt, initMs: Date.now() - startedAt, logs };
    if (outcome.kind !== 'ok') {
      first?.settle(complete(job, judgeInit(outcome, job.limits), init));
      await slot.runner.end('ended');
      return;
    }
    group.slots.push(slot);
    if (first) void this.serve(group, slot, first, init);
    else if (group.retired) this.drop(group, slot);
  }

  private async serve(group: Group, slot: Slot, pending: Pending, init?: Initialisation): Promise<void> {
    const { job, settle } = pending;
    slot.inFlight++;
    const end = await slot.runner.run(runRequest(job), job.limits);
    slot.inFlight--;
    slot.idleSince = performance.now();
    if (end) {
      group.serviceMs = smoothed(group.serviceMs, end.serviceMs);
      // As OpenWhisk does: after a developer error nobody knows what state the sandbox is in.
      if (end.outcome.kind === 'refused') slot.isSpent = true;
      const origin = init
        ? { ...init, logs: joined(init.logs, end.logs) }
        : { start: 'warm' as const, startedAt: end.startedAt, logs: end.logs };
      settle(complete(job, judgeRun(end.outcome, job.limits), origin));
    } else this.putBack(group, pending);
    this.release(group, slot);
  }

  /** A job that was handed over early and not begun: first in line again. */
  private putBack(group: Group, pending: Pending): void {
    if (this.closed) {
      this.reject(pending, shuttingDown);
      return;
    }
    const home = this.groups.get(group.key) ?? group;
    this.groups.set(home.key, home);
    this.queued++;
    home.queue.unshift(pending);
    this.waiting.add(home);
  }

  /** A slot has answered: the group's next job, or a turn for somebody else. */
  private release(group: Group, slot: Slot): void {
    if (!slot.runner.isEnded) {
      if (group.retired || this.mustYield(group, slot)) slot.isSpent = true;
      if (slot.isSpent && slot.inFlight === 0) this.drop(group, slot);
    }
    this.schedule();
  }

  private mustYield(group: Group, slot: Slot): boolean {
    if (!this.isShort || performance.now() - slot.startedAt < this.options.quantumMs) return false;
    return hasMoreThanOneOf(group, this.starved, this.groups.values());
  }

  /** Takes a slot out of use; its memory is free at once for the ledger, its processes within milliseconds. */
  private drop(group: Group, slot: Slot): void {
    this.remove(group, slot);
    void slot.runner.end('ended');
  }

  private onEnded(group: Group, slot: Slot | undefined): void {
    if (slot) this.remove(group, slot);
    this.schedule();
    this.forget(group);
  }

  private remove(group: Group, slot: Slot): void {
    const at = group.slots.indexOf(slot);
    if (at >= 0) group.slots.splice(at, 1);
    this.giveBacks.get(slot)?.();
    this.giveBacks.delete(slot);
  }

  private forget(group: Group): void {
    if (group.queue.length > 0 || group.slots.length > 0 || group.starting > 0) return;
    if (this.groups.get(group.key) === group) this.groups.delete(group.key);
  }

  private reject(pending: Pending, text: string): void {
    const origin = { start: 'cold' as const, startedAt: Date.now(), logs: Promise.resolve([]) };
    pending.settle(complete(pending.job, internalError(text), origin));
  }
}

function smoothed(average: number, sample: number): number {
  return Number.isFinite(average) ? average + (sample - average) * 0.2 : sample;
}

/** Archive faults are the caller's to mend; anything else is the operator's and stays in the log. */
function publicReason(error: unknown): string {
  const isArchive = isFault(error) && error.code.startsWith('ARCHIVE_');
  return isArchive ? error.message : 'see the log of the platform.';
}
