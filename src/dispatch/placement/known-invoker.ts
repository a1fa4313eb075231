/** One invoker as a dispatcher knows it: the last report, with what the dispatcher sent and heard since. */
import { BoundedMap } from '../../lib/index.ts';
import type { Size } from './believed.ts';
import { createHealth } from './health.ts';
import { seedOf } from './homes.ts';
import {
  type InvokerReport,
  type InvokerView,
  type LoadNote,
  mostIdleGroups,
  type PlacementTarget,
  type SentJob,
} from './types.ts';

/** Which invokers have something of a group. */
export interface GroupIndex {
  add(hash: string, invoker: KnownInvoker): void;
  remove(hash: string, invoker: KnownInvoker): void;
}

export interface KnownInvokerOptions {
  readonly isLocal: boolean;
  readonly now: () => number;
  /** Those with free warm sandboxes. */
  readonly idle: GroupIndex;
  /** Those with warm sandboxes that are soon free. */
  readonly soonFree: GroupIndex;
}

/** A job that was sent and has not ended. */
interface Sent {
  readonly hash: string;
  readonly memoryMiB: number;
  /** A warm sandbox was expected to take it. */
  isWarm: boolean;
  /** Its sandbox ends with it. */
  readonly isFresh: boolean;
  /** The report that its start was added to. */
  report: InvokerReport;
}

export class KnownInvoker implements InvokerView {
  readonly node: string;
  readonly isLocal: boolean;
  readonly seed: number;
  readonly idle = new Map<string, number>();
  readonly soonFree = new Set<string>();
  readonly #now: () => number;
  readonly #idleIndex: GroupIndex;
  readonly #soonFreeIndex: GroupIndex;
  readonly #health = createHealth();
  /** Jobs that no report counts yet. */
  readonly #unanswered = new Set<Sent>();
  /** Hashes of the groups whose jobs have ended there, the last ones: it reports no more that are idle. */
  readonly #ran = new BoundedMap<string, true>(mostIdleGroups);
  #sent = 0;
  #believed: Size = { memoryMiB: Number.POSITIVE_INFINITY, processors: Number.POSITIVE_INFINITY };
  #heardAt = 0;
  #report: InvokerReport;
  #active = 0;
  #starting = 0;
  #queued = 0;
  #freeMiB = 0;
  #idleMiB = 0;
  #isForgotten = false;

  constructor(node: string, report: InvokerReport, { isLocal, now, idle, soonFree }: KnownInvokerOptions) {
    this.node = node;
    this.isLocal = isLocal;
    this.seed = seedOf(node);
    this.#now = now;
    this.#idleIndex = idle;
    this.#soonFreeIndex = soonFree;
    this.#report = report;
    this.hear(report);
  }

  get report(): InvokerReport {
    return this.#report;
  }
  get memoryLimitMiB(): number {
    return Math.min(this.#believed.memoryMiB, this.#report.status.memoryLimitMiB);
  }
  get processors(): number {
    return Math.min(this.#believed.processors, this.#report.processors);
  }
  get sent(): number {
    return this.#sent;
  }
  get ageMs(): number {
    return this.#now() - this.#heardAt;
  }
  get weight(): number {
    return this.#health.isGood ? 1 : this.#health.weight(this.#now());
  }
  get active(): number {
    return this.#active;
  }
  get starting(): number {
    return this.#starting;
  }
  get queued(): number {
    return this.#queued;
  }
  get freeMiB(): number {
    return this.#freeMiB;
  }
  get idleMiB(): number {
    return this.#idleMiB;
  }

  /** True if a job of the group, from this dispatcher, has ended there not long ago. */
  hasRun(hash: string): boolean {
    return this.#ran.has(hash);
  }

  /** Believes no more than this of what it says of its size. */
  believe(most: Size): void {
    this.#believed = most;
  }

  /** Starts again from a new report, and adds the jobs that it cannot count yet. */
  hear(report: InvokerReport): void {
    const { status } = report;
    this.#report = report;
    this.#heardAt = this.#now();
    this.#active = status.sandboxes.busy + status.sandboxes.starting;
    this.#starting = status.sandboxes.starting;
    this.#queued = status.queued;
    this.#freeMiB = status.memoryLimitMiB - status.memoryMiB;
    this.#idleMiB = report.idleMiB;
    const before = new Set(this.idle.keys());
    for (const { hash, free } of report.idle) {
      this.#setIdle(hash, free);
      before.delete(hash);
    }
    for (const hash of before) this.#setIdle(hash, 0);
    this.#setSoonFree(report.soonFree);
    for (const sent of this.#unanswered) this.#add(sent);
  }

  send(hash: string, { limits, scaling }: PlacementTarget): SentJob {
    const isFresh = scaling?.fresh === true;
    const sent: Sent = { hash, memoryMiB: limits.memoryMiB, isWarm: false, isFresh, report: this.#report };
    this.#unanswered.add(sent);
    this.#add(sent);
    this.#sent++;
    return {
      accepted: (load) => {
        this.#unanswered.delete(sent);
        if (load) this.#load(load);
      },
      settled: (how, load) => {
        this.#health.note(how === 'timed out' || how === 'in trouble', this.#now());
        this.#unanswered.delete(sent);
        this.#sent--;
        if (how === 'ended') this.#ran.set(hash, true);
        this.#remove(sent, how === 'ended');
        if (load) this.#load(load);
      },
    };
  }

  /** Removes it from the index. */
  forget(): void {
    this.#isForgotten = true;
    for (const hash of [...this.idle.keys()]) this.#setIdle(hash, 0);
    this.#setSoonFree([]);
  }

  #load({ active, starting, queued, freeMiB, idleMiB }: LoadNote): void {
    this.#active = active;
    this.#starting = starting;
    this.#queued = queued;
    this.#freeMiB = freeMiB;
    this.#idleMiB = idleMiB;
    for (const sent of this.#unanswered) {
      this.#active++;
      if (sent.isWarm) this.#idleMiB -= sent.memoryMiB;
      else {
        this.#starting++;
        this.#freeMiB -= sent.memoryMiB;
      }
    }
  }

  #add(sent: Sent): void {
    const { hash, memoryMiB } = sent;
    const free = this.idle.get(hash) ?? 0;
    sent.report = this.#report;
    sent.isWarm = free > 0 && !sent.isFresh;
    this.#active++;
    if (sent.isWarm) {
      this.#setIdle(hash, free - 1);
      this.#idleMiB = Math.max(0, this.#idleMiB - memoryMiB);
      return;
    }
    this.#starting++;
    // An idle sandbox ends when there is not enough memory.
    const missing = Math.max(0, memoryMiB - this.#freeMiB);
    this.#freeMiB = Math.max(0, this.#freeMiB - memoryMiB);
    this.#idleMiB = Math.max(0, this.#idleMiB - missing);
  }

  #remove({ hash, memoryMiB, isWarm, isFresh, report }: Sent, hasEnded: boolean): void {
    const isCounted = report === this.#report;
    this.#active = Math.max(0, this.#active - 1);
    if (!isWarm && isCounted) this.#starting = Math.max(0, this.#starting - 1);
    if (isFresh || !hasEnded) {
      // After a refusal, the expected sandbox was not free.
      if (!isWarm && isCounted) this.#freeMiB += memoryMiB;
      return;
    }
    this.#setIdle(hash, (this.idle.get(hash) ?? 0) + 1);
    this.#idleMiB += memoryMiB;
  }

  #setIdle(hash: string, free: number): void {
    if (free > 0 && !this.#isForgotten) {
      if (!this.idle.has(hash)) this.#idleIndex.add(hash, this);
      this.idle.set(hash, free);
    } else if (this.idle.delete(hash)) this.#idleIndex.remove(hash, this);
  }

  #setSoonFree(hashes: readonly string[]): void {
    const next = new Set(hashes);
    for (const hash of this.soonFree) if (!next.has(hash)) this.#soonFreeIndex.remove(hash, this);
    for (const hash of next) if (!this.soonFree.has(hash)) this.#soonFreeIndex.add(hash, this);
    this.soonFree.clear();
    for (const hash of next) this.soonFree.add(hash);
  }
}
