/** What every `Dispatcher` must do, whatever is between it and the sandboxes. Each runs it with an invoker of its own. */
import { describe, expect, it, vi } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import { Fault, type JsonValue, newActivationId } from '../lib/index.ts';
import { type ActivationLog, linesOf, packLines } from './activation-log.ts';
import { imageUnknown } from './faults.ts';
import { channelPair, framedJobs, type Jobs, serveFrames } from './framed.fixture.ts';
import type { Dispatcher, Job, JobEnd, JobTarget } from './types.ts';

/** An invoker whose sandboxes do what a test tells them to. */
export interface TestInvoker {
  readonly dispatcher: Omit<Dispatcher, 'vet'>;
  /** Parameters of what runs in a sandbox, by activation. */
  running(): ReadonlyMap<string, Job['parameters']>;
  /** The activation ends with this result. */
  answer(activationId: string, result: JsonValue, log?: Promise<ActivationLog>): void;
  /** The sandbox of the activation exits. */
  exit(activationId: string): void;
  /** The activation writes a line, as it is followed. */
  say(activationId: string, line: string): void;
  /** From now on no sandbox can be started. */
  failStarts(fault: Error): void;
  close(): Promise<void>;
}

/** @param maxQueued jobs that may wait */
export type MakeInvoker = (options: { readonly maxQueued?: number }) => TestInvoker;

/** All of the contract but `vet`, for which a machine is asked. */
export function dispatchSuite(name: string, make: MakeInvoker): void {
  describe(name, () => {
    jobTests(withJobs(make, (jobs) => jobs));
    describe('hints', () => hintTests(make));
  });
}

/** What is said with messages: jobs, their logs and their ends. */
export function framedSuite(name: string, make: MakeInvoker): void {
  const connect = (jobs: Jobs) => {
    const [here, there] = channelPair();
    serveFrames(jobs, there);
    return framedJobs(here);
  };
  describe(name, () => {
    jobTests(withJobs(make, connect));
    describe('a wire', () => wireTests(make));
  });
}

interface Place extends Omit<TestInvoker, 'dispatcher'> {
  readonly jobs: Jobs;
  /** Runs a job to where it is in a sandbox. */
  begin(job: Job): Promise<{ readonly end: Promise<JobEnd> }>;
}

type MakePlace = (options?: Parameters<MakeInvoker>[0]) => Place;

function withJobs(make: MakeInvoker, between: (jobs: Jobs) => Jobs): MakePlace {
  return (options = {}) => {
    const invoker = make(options);
    const jobs = between(invoker.dispatcher);
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
      const { begin, running, answer } = make();
      const job = jobOf(targetOf(), { word: 'Grüße' });
      const { end } = await begin(job);
      expect(running().get(job.activationId)).toEqual({ word: 'Grüße' });
      answer(job.activationId, { said: 'Grüße' }, Promise.resolve(['one', 'two']));
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
    });

    it('is served by the sandbox of the one before', async () => {
      const { begin, answer } = make();
      const target = targetOf();
      const starts: string[] = [];
      for (const job of [jobOf(target), jobOf(target)]) {
        const { end } = await begin(job);
        answer(job.activationId, {});
        starts.push((await end).completion.start);
      }
      expect(starts).toEqual(['cold', 'warm']);
    });

    it('has ended before its log is there', async () => {
      const { begin, answer } = make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      const late = Promise.withResolvers<ActivationLog>();
      answer(job.activationId, {}, late.promise);
      const { completion, log } = await end;
      expect(completion.status).toBe('success');
      late.resolve({ parts: [packLines(['one']), ['two']] });
      expect(linesOf(await log)).toEqual(['one', 'two']);
    });

    it('may have a megabyte of parameters and of result', async () => {
      const { begin, running, answer } = make();
      const word = 'ä'.repeat(500_000);
      const job = jobOf(targetOf(), { word });
      const { end } = await begin(job);
      expect(running().get(job.activationId)).toEqual({ word });
      answer(job.activationId, [word]);
      expect((await end).completion).toMatchObject({ result: [word], sizeBytes: 1_000_004 });
    });

    it('completes also when its sandbox fails', async () => {
      const { begin, exit } = make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      exit(job.activationId);
      expect((await end).completion).toMatchObject({
        status: 'action developer error',
        result: { error: 'The action did not produce a valid response and exited unexpectedly.' },
      });
    });
  });

  describe('a job is refused', () => {
    it('when the invoker is closed', async () => {
      const { jobs, close } = make();
      await close();
      const fault = { code: 'INVOKER_CLOSED', kind: 'busy' };
      await expect(runOf(jobs, jobOf(targetOf()))).rejects.toMatchObject(fault);
    });

    it('when too many wait, and is told when to come again', async () => {
      const { jobs } = make({ maxQueued: 0 });
      await expect(runOf(jobs, jobOf(targetOf()))).rejects.toMatchObject({
        code: 'INVOKER_BUSY',
        kind: 'busy',
        message: 'too many activations are waiting for a sandbox',
        hint: 'try again',
        retryAfterMs: 1000,
      });
    });

    it('when its image is not there', async () => {
      const { jobs, failStarts } = make();
      failStarts(imageUnknown('none'));
      const fault = { code: 'IMAGE_UNKNOWN', kind: 'invalid', message: imageUnknown('none').message };
      await expect(runOf(jobs, jobOf(targetOf()))).rejects.toMatchObject(fault);
    });
  });

  describe('a handover', () => {
    it('lets the job begin when it says yes, and is asked once', async () => {
      const { jobs, running, answer } = make();
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
      const { jobs, running } = make();
      const end = runOf(jobs, jobOf(targetOf()), () => false);
      await expect(end).rejects.toMatchObject({ code: 'JOB_WITHDRAWN', kind: 'busy' });
      expect(running().size).toBe(0);
    });

    it('that fails refuses the job with its own fault', async () => {
      const { jobs, running } = make();
      const fault = new Fault('STORE_FULL', 'full', 'no room');
      const end = runOf(jobs, jobOf(targetOf()), () => Promise.reject(fault));
      await expect(end).rejects.toBe(fault);
      expect(running().size).toBe(0);
    });
  });

  describe('a cancelled job', () => {
    const cancelled = { status: 'whisk internal error', result: { error: 'The activation was cancelled.' } };

    it('completes while it waits, and the others go on', async () => {
      const { jobs, begin, running, answer } = make();
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
      const { jobs, begin, running } = make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      jobs.cancel(job.activationId);
      expect((await end).completion).toMatchObject(cancelled);
      expect(running().size).toBe(0);
    });

    it('is the one that was named, and may be gone', async () => {
      const { jobs, begin, answer } = make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      jobs.cancel(newActivationId());
      answer(job.activationId, {});
      expect((await end).completion.status).toBe('success');
    });
  });

  describe('a log', () => {
    it('is told line by line while it is written, to those who still follow it', async () => {
      const { jobs, begin, answer, say } = make();
      const job = jobOf(targetOf());
      const { end } = await begin(job);
      const lines: string[] = [];
      const following = jobs.follow(job.activationId, (line) => lines.push(line));
      say(job.activationId, 'one');
      say(job.activationId, 'zwei ✓');
      await until(() => lines.length === 2);
      expect(lines).toEqual(['one', 'zwei ✓']);
      following?.[Symbol.dispose]();
      say(job.activationId, 'three');
      answer(job.activationId, {});
      await (await end).log;
      expect(lines).toHaveLength(2);
    });

    it('of what is not under way can’t be followed', () => {
      const { jobs } = make();
      expect(jobs.follow(newActivationId(), () => {})).toBeUndefined();
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

  it('that it is called soon start one sandbox, which the call finds', async () => {
    const { dispatcher, run } = await served(targetOf());
    const target = targetOf();
    dispatcher.warm(target);
    dispatcher.warm(target);
    await until(() => dispatcher.status().sandboxes.idle === 1);
    expect(dispatcher.status()).toMatchObject({ sandboxes: { starting: 0, busy: 0 }, memoryMiB: 256 });
    await run();
    expect(dispatcher.status()).toMatchObject({ sandboxes: { idle: 2 }, memoryMiB: 512 });
  });

  it('that it was changed end its idle sandboxes', async () => {
    const target = targetOf();
    const { dispatcher, run } = await served(target);
    await run();
    dispatcher.retire(`${target.action}-other`);
    expect(dispatcher.status().sandboxes.idle).toBe(1);
    dispatcher.retire(target.action);
    expect(dispatcher.status().sandboxes.idle).toBe(0);
    expect((await run()).start).toBe('cold');
  });

  it('are counted with what runs and what waits, and end with their namespace', async () => {
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

function wireTests(make: MakeInvoker): void {
  it('that brings what is no message ends what is under way with a fault', async () => {
    const invoker = make({});
    const [here, there] = channelPair();
    serveFrames(invoker.dispatcher, there);
    const jobs = framedJobs(here);
    const job = jobOf(targetOf());
    const end = runOf(jobs, job);
    await until(() => invoker.running().has(job.activationId));
    there.write(Buffer.alloc(100, 'HTTP/1.1 '));
    await expect(end).rejects.toMatchObject({ code: 'MESSAGE_VERSION_UNKNOWN', kind: 'unreachable' });
    invoker.answer(job.activationId, {});
  });
}

/** A dispatcher may throw at once, or reject. */
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
