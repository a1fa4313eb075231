/**
 * A simulated invoker: the rules of `src/invoker/scheduling/` without its processes. A job gets an idle sandbox of its
 * group, or waits. A sandbox is started when the group has fewer than can make progress side by side. It is also
 * started when the group's jobs would wait longer than a start takes. Idle sandboxes end after the keep-alive, or when
 * their memory is needed, the longest idle first.
 */
import {
  groupHash,
  type InvokerAbilities,
  type InvokerReport,
  type LoadNote,
  mostIdleGroups,
} from '../../src/dispatch/index.ts';
import type { Clock } from './clock.ts';
import { Processors } from './processors.ts';
import type { SimulatedAction } from './workload.ts';

interface SimulatedJob {
  readonly action: SimulatedAction;
  /** Of a processor. */
  readonly executionMs: number;
  /** Called at the end. */
  readonly done: (isCold: boolean) => void;
}

interface InvokerTraits {
  readonly processors: number;
  readonly memoryMiB: number;
  readonly mostQueued: number;
  readonly keepAliveMs: number;
  /** What the start of a sandbox takes of a processor. */
  readonly coldMs: number;
  /** What handing a call to a warm sandbox takes. */
  readonly warmMs: number;
  readonly abilities: InvokerAbilities;
}

interface Group {
  readonly action: SimulatedAction;
  readonly hash: string;
  readonly idle: Sandbox[];
  readonly queue: SimulatedJob[];
  sandboxes: number;
  starting: number;
}

interface Sandbox {
  readonly group: Group;
  idleSince: number;
}

export class SimulatedInvoker {
  readonly node: string;
  readonly processors: Processors;
  readonly #clock: Clock;
  readonly #traits: InvokerTraits;
  readonly #groups = new Map<SimulatedAction, Group>();
  /** The longest idle first. */
  readonly #idle = new Set<Sandbox>();
  /** Groups that wait for memory or for a place to start. */
  readonly #starved = new Set<Group>();
  #usedMiB = 0;
  #idleMiB = 0;
  #busy = 0;
  #starting = 0;
  #queued = 0;
  #life = 0;

  constructor(node: string, clock: Clock, traits: InvokerTraits) {
    this.node = node;
    this.#clock = clock;
    this.#traits = traits;
    this.processors = new Processors(clock, traits.processors);
  }

  get queued(): number {
    return this.#queued;
  }

  /** Refuses by false when its queue is full. */
  submit(job: SimulatedJob): boolean {
    const group = this.#groupOf(job.action);
    const sandbox = group.idle.at(-1);
    if (sandbox) {
      this.#takeIdle(sandbox);
      this.#run(sandbox, job, false);
      return true;
    }
    if (this.#queued >= this.#traits.mostQueued) return false;
    group.queue.push(job);
    this.#queued++;
    this.#grow(group);
    return true;
  }

  hasIdle(action: SimulatedAction): boolean {
    return (this.#groups.get(action)?.idle.length ?? 0) > 0;
  }

  canStart(action: SimulatedAction): boolean {
    const { memoryMiB } = action.target.limits;
    return (
      this.#traits.memoryMiB - this.#usedMiB + this.#idleMiB >= memoryMiB &&
      this.#starting < this.#mostStarting
    );
  }

  /** Everything in it is lost, as at a restart. */
  restart(): void {
    this.#life++;
    this.processors.stop();
    this.#groups.clear();
    this.#idle.clear();
    this.#starved.clear();
    this.#usedMiB = this.#idleMiB = this.#busy = this.#starting = this.#queued = 0;
  }

  load(): LoadNote {
    return {
      active: this.#busy + this.#starting,
      starting: this.#starting,
      queued: this.#queued,
      freeMiB: this.#traits.memoryMiB - this.#usedMiB,
      idleMiB: this.#idleMiB,
    };
  }

  report(): InvokerReport {
    const { memoryMiB, mostQueued, processors, abilities } = this.#traits;
    this.#endUnused();
    const free = new Map<string, number>();
    for (const { group } of [...this.#idle].reverse()) {
      if (free.size === mostIdleGroups && !free.has(group.hash)) break;
      free.set(group.hash, (free.get(group.hash) ?? 0) + 1);
    }
    return {
      abilities,
      status: {
        queued: this.#queued,
        sandboxes: { starting: this.#starting, busy: this.#busy, idle: this.#idle.size, prewarmed: 0 },
        memoryMiB: this.#usedMiB,
        memoryLimitMiB: memoryMiB,
      },
      processors,
      idleMiB: this.#idleMiB,
      mostStarting: this.#mostStarting,
      mostQueued,
      idle: Array.from(free, ([hash, count]) => ({ hash, free: count })),
      soonFree: this.#soonFree(),
      isDraining: false,
    };
  }

  /** Groups of which a sandbox is soon free: the rule of the real one. */
  #soonFree(): readonly string[] {
    const found: string[] = [];
    for (const { action, hash, idle, queue, sandboxes, starting } of this.#groups.values()) {
      if (found.length === mostIdleGroups) break;
      const warm = sandboxes - starting;
      const waitMs = (action.meanMs * (1 + queue.length)) / (warm + 1);
      if (idle.length === 0 && warm > 0 && waitMs <= this.#traits.coldMs) found.push(hash);
    }
    return found;
  }

  get #mostStarting(): number {
    return this.#traits.processors * 2;
  }

  #groupOf(action: SimulatedAction): Group {
    let group = this.#groups.get(action);
    if (group === undefined) {
      group = { action, hash: groupHash(action.target), idle: [], queue: [], sandboxes: 0, starting: 0 };
      this.#groups.set(action, group);
    }
    return group;
  }

  /** Starts another sandbox for the group's queue if it is worth it and possible. */
  #grow(group: Group): void {
    this.#starved.delete(group);
    if (!this.#needsAnother(group)) return;
    const { memoryMiB } = group.action.target.limits;
    const canStart = this.#starting < this.#mostStarting && this.#makeRoom(memoryMiB);
    if (!canStart) return void this.#starved.add(group);
    this.#usedMiB += memoryMiB;
    group.sandboxes++;
    group.starting++;
    this.#starting++;
    const life = this.#life;
    this.processors.run(this.#traits.coldMs, () => {
      if (life !== this.#life) return;
      group.starting--;
      this.#starting--;
      this.#serve({ group, idleSince: 0 }, true);
    });
  }

  #needsAnother({ queue, starting, sandboxes, action }: Group): boolean {
    if (starting >= queue.length) return false;
    if (sandboxes < this.#traits.processors) return true;
    return (queue.length / sandboxes) * action.meanMs > this.#traits.coldMs;
  }

  #makeRoom(memoryMiB: number): boolean {
    if (this.#traits.memoryMiB - this.#usedMiB + this.#idleMiB < memoryMiB) return false;
    for (const sandbox of this.#idle) {
      if (this.#traits.memoryMiB - this.#usedMiB >= memoryMiB) break;
      this.#end(sandbox);
    }
    return true;
  }

  #run(sandbox: Sandbox, job: SimulatedJob, isCold: boolean): void {
    this.#busy++;
    const life = this.#life;
    this.processors.run(this.#traits.warmMs + job.executionMs, () => {
      if (life !== this.#life) return;
      this.#busy--;
      this.#serve(sandbox, false);
      job.done(isCold);
    });
  }

  /** Gives the sandbox the next job of its group, or lets it be idle. */
  #serve(sandbox: Sandbox, isNew: boolean): void {
    const { group } = sandbox;
    const job = group.queue.shift();
    if (job) {
      this.#queued--;
      this.#run(sandbox, job, isNew);
    } else {
      sandbox.idleSince = this.#clock.now;
      group.idle.push(sandbox);
      this.#idle.add(sandbox);
      this.#idleMiB += group.action.target.limits.memoryMiB;
    }
    const [starved] = this.#starved;
    if (starved) this.#grow(starved);
  }

  #takeIdle(sandbox: Sandbox): void {
    const { group } = sandbox;
    group.idle.splice(group.idle.indexOf(sandbox), 1);
    this.#idle.delete(sandbox);
    this.#idleMiB -= group.action.target.limits.memoryMiB;
  }

  #end(sandbox: Sandbox): void {
    const { group } = sandbox;
    this.#takeIdle(sandbox);
    this.#usedMiB -= group.action.target.limits.memoryMiB;
    group.sandboxes--;
    if (group.sandboxes === 0 && group.queue.length === 0) this.#groups.delete(group.action);
  }

  #endUnused(): void {
    for (const sandbox of this.#idle) {
      if (sandbox.idleSince > this.#clock.now - this.#traits.keepAliveMs) break;
      this.#end(sandbox);
    }
  }
}
