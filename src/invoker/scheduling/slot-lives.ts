/**
 * Slots from their start to their end: the memory they take, how they are initialised, and what their end means for
 * their group.
 *
 *   memory taken ──▶ starting ──ready──▶ init ──▶ in its group ──▶ ended, memory given back
 *        └── no sandbox, refused, crashed ─────────────────────────────▲
 */
import { mayGoElsewhere, type WaitReason } from '../../dispatch/index.ts';
import { isFault, type Log } from '../../lib/index.ts';
import { responseOfInit } from '../runner/outcomes.ts';
import type { MemoryLedger } from '../slots/memory-ledger.ts';
import type { PrewarmPool } from '../slots/prewarm.ts';
import type { Slot } from '../slots/slot.ts';
import { longestIdle, whoseMemory } from './fair-share.ts';
import type { Group, WaitingJob } from './group.ts';
import type { Groups } from './groups.ts';
import { hasSpare } from './growth.ts';
import { complete, initRequest, type Origin, rejection } from './job-exchange.ts';
import type { ProcessorShares } from './processor-shares.ts';
import { createStartPauses } from './start-pauses.ts';
import type { WaitingLine } from './waiting-line.ts';

export interface SlotLivesOptions {
  readonly groups: Groups;
  readonly line: WaitingLine;
  readonly ledger: MemoryLedger;
  readonly prewarm: PrewarmPool;
  readonly shares: Pick<ProcessorShares, 'join'>;
  readonly log: Log;
  /** How many slots may be starting at once. Starts cost the host most. */
  readonly maxStarting: number;
  /** Limit of a serialised result. Absent: the default. */
  readonly resultBytes?: number | undefined;
  /** Returns whether the slot gets the job. If not, the job has been dealt with. */
  readonly handOver: (group: Group, slot: Slot, pending: WaitingJob) => boolean | Promise<boolean>;
  /** Called when the slot is initialised for a job, whose log may have followers. */
  readonly onInit: (job: WaitingJob['job'], slot: Slot) => void;
  /** Called when a slot has joined its group, with the job that it was initialised for, if any. */
  readonly onReady: (group: Group, slot: Slot, first: WaitingJob | undefined, origin: Origin) => void;
  /** Called when a slot has come or gone. */
  readonly onChange: (group: Group) => void;
}

/** A slot that is being started. */
interface Launch {
  readonly start: 'prewarmed' | 'cold';
  /** Time of `performance.now()`. */
  readonly begunAt: number;
  /** Gives back the memory it has taken. */
  readonly giveBack: () => void;
  readonly obtain: () => Promise<Slot>;
}

export class SlotLives {
  readonly #options: SlotLivesOptions;
  readonly #giveBacks = new Map<Slot, () => void>();
  readonly #pauses = createStartPauses();
  #underWay = 0;
  /** Slots that are being started, by namespace. */
  readonly #underWayOf = new Map<string, number>();
  #averageMs = 50;

  constructor(options: SlotLivesOptions) {
    this.#options = options;
  }

  get starting(): number {
    return this.#underWay;
  }

  /** Average time of a start, in ms. */
  get startMs(): number {
    return this.#averageMs;
  }

  /** Starts a slot, from a prewarmed one if there is one. Returns the obstacle if that is impossible now. */
  begin(group: Group, mayEvict: boolean): WaitReason | undefined {
    const { prewarm, ledger, maxStarting } = this.#options;
    const { plan } = group;
    const begunAt = performance.now();
    const blank = plan.takesBlank ? prewarm.take(plan.kind, plan.memoryMiB) : undefined;
    if (blank) {
      const { slot, giveBack } = blank;
      const obtain = () =>
        plan.lay(slot).then(
          () => slot,
          async (error: unknown) => {
            await slot.runner.end('ended');
            throw error;
          },
        );
      void this.#launch(group, { start: 'prewarmed', begunAt, giveBack, obtain });
      return undefined;
    }
    if (this.#underWay >= maxStarting) return 'as many sandboxes were being started as may be at once';
    if (!this.#pauses.mayStart(group)) return 'sandboxes of the action had failed to start';
    // The rest is for others: one namespace must not take all places.
    if ((this.#underWayOf.get(group.namespace) ?? 0) >= Math.ceil(maxStarting / 2))
      return 'its namespace was starting as many sandboxes as it may at once';
    if (!(mayEvict ? this.#makeRoom(group) : ledger.fits(plan.memoryMiB)))
      return 'no memory was free for another sandbox';
    const giveBack = ledger.take(plan.memoryMiB);
    void this.#launch(group, { start: 'cold', begunAt, giveBack, obtain: () => plan.start() });
    return undefined;
  }

  /** Takes a slot out of use. The ledger frees its memory at once; its processes end within milliseconds. */
  drop(group: Group, slot: Slot): void {
    group.past = slot.hasFailed ? 'failed' : 'given up';
    this.#remove(group, slot);
    void slot.runner.end('ended');
  }

  #makeRoom(group: Group): boolean {
    const { ledger, line } = this.#options;
    while (!ledger.fits(group.plan.memoryMiB)) {
      if (this.#evictOneFor(group)) continue;
      line.setStarved(group, true);
      return false;
    }
    line.setStarved(group, false);
    return true;
  }

  #evictOneFor(group: Group): boolean {
    const { groups, prewarm } = this.#options;
    const mayTake = whoseMemory(group, groups.all(), performance.now());
    const spare = longestIdle(groups.all(), (owner, slot) => hasSpare(owner) && mayTake(owner, slot));
    if (!spare && prewarm.evictOne()) return true;
    const idle = spare ?? longestIdle(groups.all(), mayTake);
    if (idle) this.drop(idle.group, idle.slot);
    return idle !== undefined;
  }

  /** Gets a slot and initialises it for the group's first waiting job. */
  async #launch(group: Group, launch: Launch): Promise<void> {
    this.#count(group, 1);
    let slot: Slot | undefined;
    try {
      slot = await launch.obtain();
      if (launch.start === 'cold') {
        this.#averageMs += (performance.now() - launch.begunAt - this.#averageMs) / 5;
        this.#pauses.succeeded(group);
      }
      const leave = this.#options.shares.join(group.namespace, slot.runner, launch.start === 'cold');
      this.#giveBacks.set(slot, () => {
        leave();
        launch.giveBack();
      });
      this.#watch(group, slot);
      await this.#initialise(group, slot, launch);
    } catch (error) {
      distrust(group, slot);
      if (slot) await slot.runner.end('ended');
      else launch.giveBack();
      const isStart = launch.start === 'cold' && slot === undefined && !isUnfit(error);
      this.#giveUp(group, error, isStart && this.#pauses.failed(group, launch.begunAt));
    } finally {
      this.#count(group, -1);
      this.#options.onChange(group);
    }
  }

  #count(group: Group, change: 1 | -1): void {
    const ofNamespace = (this.#underWayOf.get(group.namespace) ?? 0) + change;
    if (ofNamespace === 0) this.#underWayOf.delete(group.namespace);
    else this.#underWayOf.set(group.namespace, ofNamespace);
    this.#underWay += change;
    group.starting += change;
  }

  #watch(group: Group, slot: Slot): void {
    void slot.runner.ended.then((failure) => {
      this.#options.log.debug({ action: group.action, failure }, 'a sandbox ended');
      if (failure === 'cancelled') group.past = 'given up';
      else if (failure !== 'ended' && !slot.hasFailed) distrust(group, slot);
      this.#remove(group, slot);
      this.#options.onChange(group);
    });
  }

  /** If no job waits any more, the slot is still made ready for the next call. */
  async #initialise(group: Group, slot: Slot, launch: Launch): Promise<void> {
    const { onInit, onReady } = this.#options;
    const readyAt = performance.now();
    const first = await this.#firstInLine(group, slot);
    if (slot.runner.isEnded) return;
    const { limits } = group.template;
    const startedAt = Date.now();
    const begunAt = performance.now();
    const initialising = slot.runner.init(
      initRequest(group.template, first?.job, group.plan.apiHost()),
      limits,
    );
    if (first) {
      group.beginning.set(first.job.activationId, slot);
      onInit(first.job, slot);
    }
    const { outcome, logs, ...noted } = await initialising;
    const origin: Origin = {
      start: launch.start,
      startReason: first?.reason,
      sandboxMs: Math.round(Math.max(0, readyAt - Math.max(launch.begunAt, first?.queuedAt ?? 0))),
      startedAt,
      // Others set the clock of the machine, also backwards.
      initMs: Math.round(performance.now() - begunAt),
      ...noted,
      logs,
    };
    if (first) group.beginning.delete(first.job.activationId);
    if (outcome.kind === 'ok') {
      group.slots.push(slot);
      onReady(group, slot, first, origin);
      return;
    }
    if (first?.isCancelled !== true) distrust(group, slot);
    first?.settle(complete(first, responseOfInit(outcome, limits, this.#options.resultBytes), origin));
    await slot.runner.end('ended');
  }

  /** The code of an action may act while it is loaded, so its job begins with the initialisation. */
  async #firstInLine(group: Group, slot: Slot): Promise<WaitingJob | undefined> {
    const { line, handOver } = this.#options;
    while (!slot.runner.isEnded) {
      const next = line.take(group);
      if (next === undefined || (await handOver(group, slot, next))) return next;
    }
    return undefined;
  }

  /**
   * If the image does not exist, or the start has failed again, all jobs of the group end. Otherwise only the next
   * one: the fault may not affect the others.
   */
  #giveUp(group: Group, error: unknown, isRepeated: boolean): void {
    const { line, log } = this.#options;
    const isFinal = isUnfit(error);
    const { action, plan } = group;
    log[isFinal ? 'debug' : 'error']({ err: error, action, kind: plan.kind }, 'a sandbox did not start');
    const text = `The platform could not start the action: ${publicReason(error)}`;
    // With a refusal, another invoker gets the job, or the caller learns when to retry, and an accepted call waits.
    const isRefusal = isFinal || mayGoElsewhere(error);
    for (let pending = line.take(group); pending; pending = line.take(group)) {
      if (isRefusal) pending.refuse(error);
      else pending.settle(rejection(pending, text));
      if (!isFinal && !isRepeated) return;
    }
  }

  #remove(group: Group, slot: Slot): void {
    const at = group.slots.indexOf(slot);
    if (at >= 0) group.slots.splice(at, 1);
    this.#giveBacks.get(slot)?.();
    this.#giveBacks.delete(slot);
  }
}

/** No slot can be made of the image. That costs no start, and another image can come at any moment. */
function isUnfit(error: unknown): boolean {
  return isFault(error, 'IMAGE_UNKNOWN') || isFault(error, 'IMAGE_UNUSABLE');
}

/** A slot has failed by itself or could not be started, so none is started in advance. */
function distrust(group: Group, slot: Slot | undefined): void {
  group.past = 'failed';
  if (!slot || slot.inFlight === 0) group.isProven = false;
}

/** Shows archive faults to the caller, who can fix them. All others are the operator's and stay in the log. */
function publicReason(error: unknown): string {
  const isArchive = isFault(error) && error.code.startsWith('ARCHIVE_');
  return isArchive ? error.message : 'see the log of the platform.';
}
