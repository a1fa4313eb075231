/**
 * What every `Dispatcher` must do, whatever lies between it and the sandboxes. Each implementation runs this suite
 * with its own invoker.
 */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import type { Bus } from '../bus/index.ts';
import { Fault, failureOf, type JsonValue, newActivationId } from '../lib/index.ts';
import { operatorPolicy } from '../sandbox/index.ts';
import type { InvokerAbilities } from './abilities.ts';
import { type ActivationLog, linesOf, packLines, partialOf } from './activation-log.ts';
import { join, localInvoker, MemoryNetwork, newClusterName } from './cluster/cluster.fixture.ts';
import { imageUnknown } from './faults.ts';
import type { LogPiece } from './live-log.ts';
import type { Dispatcher, Job, JobEnd, JobTarget } from './types.ts';

/** An invoker whose sandboxes do what a test tells them to. */
export interface TestInvoker {
  readonly dispatcher: Dispatcher;
  abilities(): Promise<InvokerAbilities>;
  /** Starts the sandboxes that should be kept ready but are missing, and ends idle ones. */
  sweep(): Promise<void>;
  /** Parameters of the activations that run in a sandbox, by activation id. */
  running(): ReadonlyMap<string, Job['parameters']>;
  /** Ends the activation with this result. */
  answer(activationId: string, result: JsonValue, log?: Promise<ActivationLog>): void;
  /** Ends the activation with an error that its program names. */
  refuse(activationId: string, error: JsonValue): void;
  /** Makes every later initialisation end with an error that its program names. */
  refuseInits(error: JsonValue): void;
  /** Makes the sandbox of the activation exit. */
  exit(activationId: string): void;
  /** Writes a line to the log of the activation, for its followers. */
  say(activationId: string, line: string): void;
  /** Number of followers of the activation's log in its sandbox. */
  followers(activationId: string): number;
  /** Makes every later start of a sandbox fail. */
  failStarts(fault: Error): void;
  close(): Promise<void>;
}

export interface TestInvokerOptions {
  /** Limit of waiting jobs. */
  readonly maxQueued?: number;
  readonly abilities?: InvokerAbilities;
}

export type MakeInvoker = (options: TestInvokerOptions) => TestInvoker;

export function dispatchSuite(name: string, make: MakeInvoker): void {
  describe(name, () => {
    jobTests(withJobs(make, ({ dispatcher }) => dispatcher));
    factTests(withJobs(make, ({ dispatcher }) => dispatcher));
    describe('hints', () => hintTests(make));
  });
}

/**
 * An API node and an invoker node, with a bus between them.
 * @param connect returns two connections to one bus; by default in memory
 */
export function clusterSuite(
  name: string,
  make: MakeInvoker,
  connect: () => Promise<readonly [Bus, Bus]> = inMemory,
): void {
  const between = async ({ dispatcher, abilities }: TestInvoker): Promise<Jobs> => {
    const buses = await connect();
    const cluster = newClusterName();
    const invoker = localInvoker(dispatcher, abilities);
    const there = await join(buses[1], { cluster, node: 'invoker', invoker });
    const here = await join(buses[0], { cluster, node: 'api' });
    leaveAfterTest(there, here);
    await until(() => here.nodes()[0]?.invoker !== undefined);
    return here.dispatcher;
  };
  describe(name, () => {
    jobTests(withJobs(make, between));
    factTests(withJobs(make, between));
  });
}

async function inMemory(): Promise<readonly [Bus, Bus]> {
  const network = new MemoryNetwork();
  return [network.bus(), network.bus()];
}

function leaveAfterTest(...clusters: readonly AsyncDisposable[]): void {
  onTestFinished(async () => void (await Promise.all(clusters.map((each) => each[Symbol.asyncDispose]()))));
}

/** A follower of a log that reads as fast as it can. */
export interface TestFollower {
  readonly lines: readonly string[];
  readonly skipped: number;
  readonly hasEnded: boolean;
  /** Settles when the log ends or the follower leaves. */
  readonly ended: Promise<void>;
}

export function readLive(log: AsyncIterable<LogPiece> | undefined): TestFollower {
  if (log === undefined) throw new Error('there is nothing to follow');
  const lines: string[] = [];
  const follower = { lines, skipped: 0, hasEnded: false };
  const read = async () => {
    for await (const piece of log) {
      follower.skipped += piece.skipped;
      lines.push(...piece.lines);
    }
    follower.hasEnded = true;
  };
  return Object.assign(follower, { ended: read() });
}

type Jobs = Pick<Dispatcher, 'run' | 'cancel' | 'follow' | 'checkTarget' | 'kept' | 'grant'>;

interface Place extends TestInvoker {
  readonly jobs: Jobs;
  /** Runs a job until it is in a sandbox. */
  begin(job: Job): Promise<{ readonly end: Promise<JobEnd> }>;
}

type MakePlace = (options?: Parameters<MakeInvoker>[0]) => Promise<Place>;

function withJobs(make: MakeInvoker, between: (invoker: TestInvoker) => Jobs | Promise<Jobs>): MakePlace {
  return async (options = {}) => {
    const invoker = make(options);
    const jobs = await between(invoker);
    return {
      ...invoker,
      jobs,
      async begin(job) {
        const end = jobs.run(job);
        await until(() => invoker.running().has(job.activationId));
        return { end };
      },
    };
  };
}

function jobTests(make: MakePlace): void {
  describe('a job', () => {
    it('runs to its completion and its log', async () => {
      const { begin, running, answer } = await make();
      const job = jobOf(targetOf(), { word: 'Grüße' });
      const { end } = await begin(job);
      expect(running().get(job.activationId)).toEqual({ word: 'Grüße' });
      const logged: ActivationLog = { parts: [['one', 'two']], partial: 'incomplete' };
      answer(job.activationId, { said: 'Grüße' }, Promise.resolve(logged));
      const { completion, log } = await end;
      expect(completion).toMatchObject({
        status: 'success',
        result: { said: 'Grüße' },
        json: '{"said":"Grüße"}',
        sizeBytes: 18,
        timedOut: false,
        start: 'cold',
        startReason: 'first call of this revision',
        startedAt: expect.any(Number),
        endedAt: expect.any(Number),
        waitMs: expect.any(Number),
        initMs: expect.any(Number),
      });
      expect(linesOf(await log)).toEqual(['one', 'two']);
      expect(partialOf(await log)).toBe('incomplete');
    });

    it('reuses the sandbox of the previous job', async () => {
      const { begin, answer } = await make();
      const target = targetOf();
      const starts: string[] = [];
      for (const job of [jobOf(target), jobOf(target)]) {
        const { end } = await begin(job);
        answer(job.activationId, {});
        starts.push((await end).completion.start);
      }
      expect(starts).toEqual(['cold', 'warm']);
    });

    it('ends before its log is complete', async () => {
      const { begin, answer } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      const late = Promise.withResolvers<ActivationLog>();
      answer(job.activationId, {}, late.promise);
      const { completion, log } = await end;
      expect(completion.status).toBe('success');
      late.resolve({ parts: [packLines(['one']), ['two']], partial: 'cut' });
      expect(linesOf(await log)).toEqual(['one', 'two']);
      expect(partialOf(await log)).toBe('cut');
    });

    it('carries a megabyte of parameters and of result', async () => {
      const { begin, running, answer } = await make();
      const word = 'ä'.repeat(500_000);
      const job = jobOf(targetOf(), { word });
      const { end } = await begin(job);
      expect(running().get(job.activationId)).toEqual({ word });
      answer(job.activationId, [word]);
      expect((await end).completion).toMatchObject({ result: [word], sizeBytes: 1_000_004 });
    });

    it('completes even if its sandbox fails', async () => {
      const { begin, exit } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      exit(job.activationId);
      expect((await end).completion).toMatchObject({
        status: 'action developer error',
        result: { error: 'The action did not produce a valid response and exited unexpectedly.' },
      });
    });
  });

  describe('an error over the limit of results', () => {
    const error = { text: 'x'.repeat(2 * 1024 * 1024) };
    const bytes = JSON.stringify({ error }).length;
    const text = `The action produced a response that exceeded the allowed length: ${bytes} > 1048576 bytes.`;
    const head = `{"error":{"text":"${'x'.repeat(2030)}`;
    const expected = {
      status: 'action developer error',
      result: { error: `${text} The truncated response was: ${head}` },
    };

    it('is cut and stays an error of the developer', async () => {
      const { begin, refuse } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      refuse(job.activationId, error);
      const { completion } = await end;
      expect(completion).toMatchObject(expected);
      expect(completion.sizeBytes).toBe(Buffer.byteLength(completion.json));
    });

    it('is cut if it is the error of an initialisation', async () => {
      const { jobs, refuseInits } = await make();
      refuseInits(error);
      const { completion } = await jobs.run(jobOf(targetOf()));
      expect(completion).toMatchObject(expected);
    });
  });

  describe('a job is refused', () => {
    it('when the invoker is closed', async () => {
      const { jobs, close } = await make();
      await close();
      const fault = { code: 'INVOKER_CLOSED', kind: 'busy', retryAfterMs: 1000 };
      await expect(runOf(jobs, jobOf(targetOf()))).rejects.toMatchObject(fault);
    });

    it('when too many wait, with the time to retry', async () => {
      const { jobs } = await make({ maxQueued: 0 });
      await expect(runOf(jobs, jobOf(targetOf()))).rejects.toMatchObject({
        code: 'INVOKER_BUSY',
        kind: 'overloaded',
        message: 'System is overloaded, try again later.',
        hint: expect.stringMatching(/too many calls wait.*invoker\.memoryMiB/),
        retryAfterMs: 1000,
      });
    });

    it('when its image does not exist', async () => {
      const { jobs, failStarts } = await make();
      failStarts(imageUnknown('none'));
      const fault = { code: 'IMAGE_UNKNOWN', kind: 'invalid', message: imageUnknown('none').message };
      await expect(runOf(jobs, jobOf(targetOf()))).rejects.toMatchObject(fault);
    });
  });

  describe('a handover', () => {
    it('lets the job begin when it says yes, and is asked once', async () => {
      const { jobs, running, answer } = await make();
      const job = jobOf(targetOf());
      const said = Promise.withResolvers<boolean>();
      const begin = vi.fn(() => said.promise);
      const end = jobs.run(job, { begin });
      await until(() => begin.mock.calls.length > 0);
      expect(running().size).toBe(0);
      said.resolve(true);
      await until(() => running().has(job.activationId));
      answer(job.activationId, {});
      expect((await end).completion.status).toBe('success');
      expect(begin).toHaveBeenCalledTimes(1);
    });

    it('withdraws the job when it says no', async () => {
      const { jobs, running } = await make();
      const end = runOf(jobs, jobOf(targetOf()), () => false);
      await expect(end).rejects.toMatchObject({ code: 'JOB_WITHDRAWN', kind: 'busy' });
      expect(running().size).toBe(0);
    });

    it('refuses the job with its own fault when it fails', async () => {
      const { jobs, running } = await make();
      const fault = new Fault('STORE_FULL', 'full', 'no room');
      const end = runOf(jobs, jobOf(targetOf()), () => Promise.reject(fault));
      await expect(end).rejects.toBe(fault);
      expect(running().size).toBe(0);
    });
  });

  describe('a cancelled job', () => {
    const cancelled = { status: 'whisk internal error', result: { error: 'The activation was cancelled.' } };

    it('completes while it waits, and the others go on', async () => {
      const { jobs, begin, running, answer } = await make();
      const target = targetOf({ scaling: { maxInstances: 1 } });
      const [first, second, third] = [jobOf(target), jobOf(target), jobOf(target)];
      const { end } = await begin(first);
      const [waiting, last] = [jobs.run(second), jobs.run(third)];
      jobs.cancel(second.activationId);
      const { completion, log } = await waiting;
      expect(completion).toMatchObject(cancelled);
      expect(linesOf(await log)).toEqual([]);
      answer(first.activationId, { n: 1 });
      expect((await end).completion.result).toEqual({ n: 1 });
      await until(() => running().has(third.activationId));
      answer(third.activationId, { n: 3 });
      expect((await last).completion.result).toEqual({ n: 3 });
    });

    it('completes while it runs', async () => {
      const { jobs, begin, running } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      jobs.cancel(job.activationId);
      expect((await end).completion).toMatchObject(cancelled);
      expect(running().size).toBe(0);
    });

    it('is only the one that was named, and may have ended', async () => {
      const { jobs, begin, answer } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      jobs.cancel(newActivationId());
      answer(job.activationId, {});
      expect((await end).completion.status).toBe('success');
    });
  });

  describe('a log', () => {
    it('reaches its followers line by line while it is written', async () => {
      const { jobs, begin, answer, say } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      const left = new AbortController();
      const { lines, ended } = readLive(jobs.follow(job.activationId, left.signal));
      say(job.activationId, 'one');
      say(job.activationId, 'zwei ✓');
      await until(() => lines.length === 2);
      expect(lines).toEqual(['one', 'zwei ✓']);
      left.abort();
      await ended;
      say(job.activationId, 'three');
      answer(job.activationId, {});
      await (await end).log;
      expect(lines).toHaveLength(2);
    });

    it('cannot be followed when its activation is not under way', async () => {
      const { jobs, begin, answer } = await make();
      expect(jobs.follow(newActivationId())).toBeUndefined();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      answer(job.activationId, {});
      await (await end).log;
      expect(jobs.follow(job.activationId)).toBeUndefined();
    });

    it('can be followed from the queue on, and ends with its activation', async () => {
      const { jobs, begin, running, answer, say } = await make();
      const target = targetOf({ scaling: { maxInstances: 1 } });
      const [first, second] = [jobOf(target), jobOf(target)];
      const { end } = await begin(first);
      const waiting = jobs.run(second);
      const follower = readLive(jobs.follow(second.activationId));
      answer(first.activationId, {});
      await end;
      await until(() => running().has(second.activationId));
      say(second.activationId, 'one');
      await until(() => follower.lines.length === 1);
      expect(follower.hasEnded).toBe(false);
      answer(second.activationId, {});
      await follower.ended;
      expect(linesOf(await (await waiting).log)).toHaveLength(1);
      expect(follower).toMatchObject({ lines: ['one'], skipped: 0 });
    });

    it('begins with the lines so far', async () => {
      const { jobs, begin, answer, say } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      say(job.activationId, 'one');
      const early = readLive(jobs.follow(job.activationId));
      await until(() => early.lines.length === 1);
      const late = readLive(jobs.follow(job.activationId));
      await until(() => late.lines.length === 1);
      say(job.activationId, 'two');
      answer(job.activationId, {});
      await Promise.all([end, early.ended, late.ended]);
      for (const { lines } of [early, late]) expect(lines).toEqual(['one', 'two']);
    });

    it('ends with a job that is refused', async () => {
      const { jobs } = await make();
      const job = jobOf(targetOf());
      const said = Promise.withResolvers<boolean>();
      const end = runOf(jobs, job, () => said.promise);
      const { ended, lines } = readLive(jobs.follow(job.activationId));
      said.resolve(false);
      await expect(end).rejects.toMatchObject({ code: 'JOB_WITHDRAWN' });
      await ended;
      expect(lines).toEqual([]);
    });

    it('loses a follower that leaves the loop', async () => {
      const { jobs, begin, answer, say, followers } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      const stays = readLive(jobs.follow(job.activationId));
      const leaves = jobs.follow(job.activationId);
      await until(() => followers(job.activationId) === 2);
      say(job.activationId, 'one');
      for await (const { lines } of leaves ?? []) {
        expect(lines).toEqual(['one']);
        break;
      }
      await until(() => followers(job.activationId) === 1);
      say(job.activationId, 'two');
      await until(() => stays.lines.length === 2);
      answer(job.activationId, {});
      await end;
    });

    it('skips lines for a slow reader, while a fast one gets all of them', async () => {
      const { jobs, begin, answer, say, followers } = await make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      const slow = jobs.follow(job.activationId);
      const quick = readLive(jobs.follow(job.activationId));
      await until(() => followers(job.activationId) === 2);
      const count = 300;
      for (let n = 0; n < count; n++) {
        say(job.activationId, `${n} ${'x'.repeat(50_000)}`);
        if (n % 20 === 19) await until(() => quick.lines.length === n + 1);
      }
      answer(job.activationId, {});
      await (await end).log;
      await quick.ended;
      expect(quick).toMatchObject({ skipped: 0, lines: { length: count } });
      const late = readLive(slow);
      await late.ended;
      expect(late.lines.length + late.skipped).toBe(count);
      expect(late.lines.at(-1)).toMatch(/^299 /);
      // At most two pieces of 4 MiB: one on its way, and the next.
      expect(late.lines.length).toBeLessThan(180);
      expect(late.lines.length).toBeGreaterThan(40);
    });
  });
}

function factTests(make: MakePlace): void {
  describe('facts', () => {
    const operator = operatorPolicy({ cpus: 0.5, allow: { cpus: 2 } });
    const gvisor = { tier: 'gvisor', id: 'g' } as const;

    it('about what invokers can run decide whether an action can have a sandbox', async () => {
      const gvisorObstacle = failureOf(new Fault('RUNTIME_MISSING', 'unsupported', 'runsc is not installed'));
      const { jobs } = await make({ abilities: { operator, gvisorObstacle } });
      const { limits, kind } = targetOf();
      await jobs.checkTarget({ kind, limits: { ...limits, cpus: 2 } });
      await expect(jobs.checkTarget({ kind, limits: { ...limits, cpus: 3 } })).rejects.toMatchObject({
        code: 'POLICY_EXCEEDED',
      });
      await expect(jobs.checkTarget({ kind, limits, sandbox: gvisor })).rejects.toMatchObject({
        code: 'TIER_UNAVAILABLE',
        kind: 'invalid',
        message: 'this server has no gVisor: runsc is not installed',
      });
    });

    it('about gVisor allow its tier, but not for a user’s image', async () => {
      const { jobs } = await make({ abilities: { operator, gvisorObstacle: undefined } });
      const { limits, kind } = targetOf();
      await jobs.checkTarget({ kind, limits, sandbox: gvisor });
      await expect(jobs.checkTarget({ kind: 'blackbox', limits, sandbox: gvisor })).rejects.toMatchObject({
        code: 'TIER_UNAVAILABLE',
      });
    });

    it('from the gate decide what is kept ready: a job allows it, and a denial ends it', async () => {
      const { jobs, begin, answer, sweep, dispatcher } = await make();
      const target = targetOf({ scaling: { minWarm: 2 } });
      const job = jobOf(target);
      const { end } = await begin(job);
      answer(job.activationId, {});
      await (await end).log;
      const { namespace, action, revision, kind, code } = target;
      await expect.poll(() => jobs.kept()).toEqual([{ namespace, action, revision, kind, code }]);
      const idle = () => dispatcher.status().sandboxes.idle;
      await sweep();
      await until(() => idle() === 2);
      jobs.grant([{ namespace, action, revision: 'another', permission: 'denied' }], 60_000);
      jobs.grant([{ namespace, action, revision, permission: 'denied' }], 60_000);
      await vi.waitUntil(async () => {
        await sweep();
        return idle() === 0;
      });
    });
  });
}

function hintTests(make: MakeInvoker): void {
  const served = async (target: JobTarget) => {
    const invoker = make({});
    const run = async () => {
      const job = jobOf(target);
      const end = invoker.dispatcher.run(job);
      await until(() => invoker.running().has(job.activationId));
      invoker.answer(job.activationId, {});
      return (await end).completion;
    };
    return { ...invoker, run };
  };

  it('about a coming call start one sandbox, which the call uses', async () => {
    const { dispatcher, run } = await served(targetOf());
    const target = targetOf();
    dispatcher.warm(target);
    dispatcher.warm(target);
    await until(() => dispatcher.status().sandboxes.idle === 1);
    expect(dispatcher.status()).toMatchObject({ sandboxes: { starting: 0, busy: 0 }, memoryMiB: 256 });
    await run();
    expect(dispatcher.status()).toMatchObject({ sandboxes: { idle: 2 }, memoryMiB: 512 });
  });

  it('about a changed action end its idle sandboxes', async () => {
    const target = targetOf();
    const { dispatcher, run } = await served(target);
    await run();
    dispatcher.retire(`${target.action}-other`);
    expect(dispatcher.status().sandboxes.idle).toBe(1);
    dispatcher.retire(target.action);
    expect(dispatcher.status().sandboxes.idle).toBe(0);
    expect((await run()).start).toBe('cold');
  });

  it('about a deleted namespace end its running and waiting jobs', async () => {
    const { dispatcher, running } = make({});
    const target = targetOf({ scaling: { maxInstances: 1 } });
    void dispatcher.run(jobOf(target));
    const waiting = dispatcher.run(jobOf(target));
    await until(() => running().size === 1);
    expect(dispatcher.status()).toMatchObject({ queued: 1, sandboxes: { busy: 1, idle: 0 }, memoryMiB: 256 });
    expect([...dispatcher.namespaces()]).toEqual([target.namespace]);
    dispatcher.expel(target.namespace);
    expect((await waiting).completion.result).toEqual({ error: 'The namespace was deleted.' });
    expect(dispatcher.status()).toMatchObject({ queued: 0, memoryMiB: 0 });
  });
}

/** Turns a synchronous throw of the dispatcher into a rejection. */
async function runOf(jobs: Jobs, job: Job, begin?: () => boolean | Promise<boolean>) {
  return jobs.run(job, begin && { begin });
}

async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { interval: 1, timeout: 60_000 });
}

function targetOf(changes: Partial<JobTarget> = {}): JobTarget {
  return {
    namespace: 'guest',
    action: `/guest/${newActivationId()}`,
    version: '0.0.1',
    revision: 'r1',
    kind: 'nodejs:24',
    code: { digest: digestOf('code'), binary: false, main: 'main' },
    limits: { timeoutMs: 1000, memoryMiB: 256, logBytes: 1000, concurrency: 1 },
    initEnv: {},
    ...changes,
  };
}

function jobOf(target: JobTarget, parameters: Job['parameters'] = {}): Job {
  const activationId = newActivationId();
  return { ...target, activationId, transactionId: 't', parameters, acceptedAt: Date.now() };
}
