/** A scheduler over fake slots, which do what the test says. */

import { digestOf } from '../../blobs/index.ts';
import type {
  ActivationLog,
  Completion,
  Handover,
  Job,
  JobTarget,
  LogFollower,
} from '../../dispatch/index.ts';
import { randomHex, silentLog } from '../../lib/index.ts';
import type { Culprit } from '../runner/culprit.ts';
import type {
  Failure,
  InitEnd,
  InitOutcome,
  RunEnd,
  Runner,
  RunOutcome,
  RunRequest,
} from '../runner/runner.ts';
import { createMemoryLedger } from '../slots/memory-ledger.ts';
import { createPrewarmPool, type PrewarmTarget } from '../slots/prewarm.ts';
import { newSlot, type Slot, type SlotPlan } from '../slots/slot.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';

/** A runner that answers when the test says so. */
export class FakeRunner implements Runner {
  readonly ended: Promise<Failure>;
  readonly number: number;
  isEnded = false;
  isFrozen = false;
  /** It takes runs early. */
  isQuick = false;
  inits = 0;
  /** Ids of the unanswered runs. */
  readonly open: string[] = [];
  /** The parameters of its runs. */
  readonly values = new Map<string, RunRequest['value']>();
  readonly #answers = new Map<string, (end: RunEnd) => void>();
  readonly #initOutcome: () => InitOutcome | Promise<InitOutcome>;
  readonly #said = new Map<string, string[]>();
  readonly #followers = new Map<string, Set<LogFollower>>();
  readonly #settleEnded: (failure: Failure) => void;

  constructor(number: number, initOutcome: () => InitOutcome | Promise<InitOutcome>) {
    this.number = number;
    this.#initOutcome = initOutcome;
    const { promise, resolve } = Promise.withResolvers<Failure>();
    this.ended = promise;
    this.#settleEnded = resolve;
  }

  async init(): Promise<InitEnd> {
    this.inits++;
    return { outcome: await this.#initOutcome(), logs: Promise.resolve([`init of ${this.number}`]) };
  }

  run({ id, value }: Pick<RunRequest, 'id' | 'value'>): Promise<RunEnd> {
    this.isFrozen = false;
    this.open.push(id);
    this.values.set(id, value);
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  /** Answers its oldest run. */
  answer(
    outcome: RunOutcome = { kind: 'value', value: {}, json: '{}' },
    serviceMs = 1000,
    logs: Promise<ActivationLog> = Promise.resolve([`run in ${this.number}`]),
  ): void {
    const id = this.open.shift() ?? '';
    this.#answers.get(id)?.({ outcome, logs, startedAt: Date.now(), serviceMs });
  }

  /** Returns all its runs as not begun. */
  giveBack(): void {
    for (const id of this.open.splice(0).reverse()) this.#answers.get(id)?.(undefined);
  }

  note(): Culprit {
    return { namespace: undefined, action: undefined, activationIds: [] };
  }

  crash(): void {
    this.isEnded = true;
    this.#settleEnded('exited');
  }

  async end(reason: Failure): Promise<Failure> {
    this.isEnded = true;
    this.#settleEnded(reason);
    if (reason === 'cancelled') while (this.open.length > 0) this.answer({ kind: 'failed', failure: reason });
    return reason;
  }

  async freeze(): Promise<void> {
    this.isFrozen = true;
  }

  cpuUsec = () => 0;
  standBack = () => {};
  takesEarly = () => this.isQuick;
  reclaim = () => {};
  isLogging = (id: string) => this.open.includes(id);

  follow(id: string, follower: LogFollower): Disposable {
    const all = this.#followers.get(id) ?? new Set();
    this.#followers.set(id, all.add(follower));
    for (const line of this.#said.get(id) ?? []) follower.add(line);
    return { [Symbol.dispose]: () => void all.delete(follower) };
  }

  followersOf(id: string): number {
    return this.#followers.get(id)?.size ?? 0;
  }

  say(id: string, line: string): void {
    const said = this.#said.get(id) ?? [];
    this.#said.set(id, said);
    said.push(line);
    for (const follower of this.#followers.get(id) ?? []) follower.add(line);
  }
}

export interface FakeOptions extends Partial<SchedulerOptions> {
  readonly memoryMiB?: number;
  readonly prewarmed?: readonly PrewarmTarget[];
}

export function fakeScheduler({ memoryMiB = 100_000, prewarmed = [], ...options }: FakeOptions = {}) {
  const runners: FakeRunner[] = [];
  const world = {
    initOutcome: (): InitOutcome => ({ kind: 'ok' }),
    startFault: undefined as Error | undefined,
    /** Starts so far, also those that failed. */
    starts: 0,
    layFault: undefined as Error | undefined,
    /** No initialisation ends before this. */
    initGate: undefined as Promise<void> | undefined,
  };
  const start = async (kind: string, memory: number): Promise<Slot> => {
    world.starts++;
    if (world.startFault) throw world.startFault;
    const runner = new FakeRunner(runners.length + 1, async () => {
      await world.initGate;
      return world.initOutcome();
    });
    runners.push(runner);
    return newSlot(kind, memory, runner);
  };
  const ledger = createMemoryLedger(memoryMiB);
  const prewarm = createPrewarmPool(prewarmed, { startBlank: start }, ledger, silentLog);
  const plan = ({ kind, limits }: JobTarget): SlotPlan => ({
    kind,
    memoryMiB: limits.memoryMiB,
    takesBlank: limits.cpus === undefined,
    apiHost: () => 'http://ward.test',
    start: () => start(kind, limits.memoryMiB),
    lay: async () => {
      if (world.layFault) throw world.layFault;
    },
  });
  const scheduler = new Scheduler({
    factory: { plan },
    ledger,
    prewarm,
    shares: { join: () => () => {} },
    log: silentLog,
    maxStarting: 10,
    maxQueued: 100,
    isHeldBack: () => false,
    memoryUsedMiB: () => 0,
    sandboxesLeft: () => 0,
    quantumMs: 200,
    parallelSlots: 2,
    ...options,
  });
  /** Waits until everything has happened that needs no answer and no time. */
  const settle = async () => {
    for (let n = 0; n < 20; n++) await Promise.resolve();
  };
  return {
    scheduler,
    prewarm,
    runners,
    world,
    settle,
    alive: () => runners.filter(({ isEnded }) => !isEnded).map(({ number }) => number),
    /** Sweeps as if all idle slots had been idle for ever, or for no time. */
    sweep: async ({ endsIdle = false, freezes = false } = {}) => {
      const now = performance.now();
      scheduler.sweep(freezes ? now + 1 : 0, endsIdle ? now + 1 : 0);
      await settle();
    },
    /** Submits a job. The returned object is filled when the job ends. */
    call: async (target: JobTarget, handover?: Handover) => {
      const job = jobOf(target);
      const call: { job: Job; done?: Completion; fault?: unknown } = { job };
      scheduler.submit(job, handover).then(
        ({ completion }) => {
          call.done = completion;
        },
        (fault: unknown) => {
          call.fault = fault;
        },
      );
      await settle();
      return call;
    },
  };
}

export function fakeTarget(changes: Partial<JobTarget> = {}): JobTarget {
  return {
    namespace: 'guest',
    action: `/guest/${randomHex(4)}`,
    version: '0.0.1',
    revision: 'r1',
    kind: 'nodejs:24',
    code: { digest: digestOf(Buffer.alloc(0)), binary: false, main: 'main' },
    limits: { timeoutMs: 1000, memoryMiB: 256, logBytes: 1000, concurrency: 1 },
    initEnv: {},
    ...changes,
  };
}

/** A job that was accepted a moment ago, so that it has waited. */
export function jobOf(target: JobTarget): Job {
  const activationId = randomHex(16);
  return { ...target, activationId, transactionId: 't', parameters: {}, acceptedAt: Date.now() - 1 };
}
