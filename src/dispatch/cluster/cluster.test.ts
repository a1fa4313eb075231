/** What happens to jobs on other nodes when messages are lost, doubled or forged, and when nodes go. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { newActivationId, silentLog } from '../../lib/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import { linesOf } from '../activation-log.ts';
import { dispatchFault } from '../faults.ts';
import { LiveLog } from '../live-log.ts';
import type { Dispatcher, Handover, Job, JobEnd } from '../types.ts';
import { noActivation } from '../wire/frames.ts';
import { encodeMessage, type Message } from '../wire/messages.ts';
import { subjectsOf } from '../wire/subjects.ts';
import { anyDirectory, join, localInvoker, type MemoryBus, MemoryNetwork } from './cluster.fixture.ts';
import type { Cluster, ClusterOptions } from './types.ts';

const subjects = subjectsOf('test');
const nothing = Buffer.alloc(0);

interface ScriptedNode {
  readonly cluster: Cluster;
  readonly bus: MemoryBus;
  /** Jobs that have begun, in order. */
  readonly jobs: Job[];
  readonly cancelled: string[];
  answer(activationId: string, result?: object, log?: Promise<readonly string[]>): void;
  refuse(activationId: string, fault: Error): void;
  readonly told: string[];
}

async function invokerNode(
  network: MemoryNetwork,
  node: string,
  options: Partial<ClusterOptions> = {},
): Promise<ScriptedNode> {
  const jobs: Job[] = [];
  const [cancelled, told]: [string[], string[]] = [[], []];
  const ends = new Map<string, PromiseWithResolvers<JobEnd>>();
  const dispatcher: Dispatcher = {
    async run(job, handover) {
      const end = Promise.withResolvers<JobEnd>();
      ends.set(job.activationId, end);
      if (handover !== undefined && !(await handover.begin()))
        throw dispatchFault('JOB_WITHDRAWN', 'no longer wanted');
      jobs.push(job);
      return end.promise;
    },
    cancel: (activationId) => void cancelled.push(activationId),
    follow: () => new LiveLog(() => {}),
    warm: ({ action }) => void told.push(`warm ${action}`),
    checkTarget: async () => {},
    kept: () => [],
    grant: (grants, forMs) => void told.push(`grant ${grants.length} for ${forMs}`),
    status: () => ({
      queued: 1,
      sandboxes: { starting: 0, busy: 1, idle: 2, prewarmed: 0 },
      memoryMiB: 256,
      memoryLimitMiB: 1024,
    }),
    retire: (action) => void told.push(`retire ${action}`),
    namespaces: () => new Set([`at-${node}`]),
    expel: (namespace) => void told.push(`expel ${namespace}`),
  };
  const abilities = async () => ({ operator: operatorPolicy(), gvisorObstacle: undefined });
  const bus = network.bus();
  const invoker = localInvoker(dispatcher, abilities);
  const cluster = await joined(bus, { node, invoker, ...options });
  return {
    ...{ cluster, bus, jobs, cancelled, told },
    answer(activationId, result = {}, log = Promise.resolve([])) {
      const json = JSON.stringify(result);
      const now = Date.now();
      ends.get(activationId)?.resolve({
        completion: {
          ...{ status: 'success', start: 'warm', timedOut: false, waitMs: 0 },
          ...{ startedAt: now, endedAt: now, result: JSON.parse(json), json },
          sizeBytes: Buffer.byteLength(json),
        },
        log,
      });
    },
    refuse: (activationId, fault) => ends.get(activationId)?.reject(fault),
  };
}

/** Time that has been skipped. */
let skippedMs = 0;
const now = () => performance.now() + skippedMs;

function skip(ms: number): void {
  skippedMs += ms;
}

async function joined(bus: MemoryBus, options: Parameters<typeof join>[1]): Promise<Cluster> {
  const cluster = await join(bus, { now, ...options });
  onTestFinished(() => {
    // Nothing waits for a node that a test has cut off.
    bus.state = 'up';
    return cluster[Symbol.asyncDispose]();
  });
  return cluster;
}

/** An API node and invokers that have heard each other. */
async function clusterOf(...names: readonly string[]) {
  const network = new MemoryNetwork();
  const invokers = await Promise.all(names.map((name) => invokerNode(network, name)));
  const [apiBus, directory] = [network.bus(), anyDirectory()];
  const api = await joined(apiBus, { node: 'api', directory });
  await until(() => api.nodes().filter(({ invoker }) => invoker !== undefined).length === names.length);
  const [a, b] = invokers;
  if (a === undefined) throw new Error('no invoker');
  return { network, api, apiBus, directory, a, b: b ?? a, dispatcher: api.dispatcher };
}

async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { interval: 2, timeout: 30_000 });
}

function job(changes: Partial<Job> = {}): Job {
  return {
    ...{ namespace: 'guest', action: '/guest/hello', version: '0.0.1', revision: 'r1', kind: 'nodejs:24' },
    code: { digest: digestOf('code'), binary: false, main: 'main' },
    limits: { timeoutMs: 1000, memoryMiB: 256, logBytes: 1000, concurrency: 1 },
    ...{ initEnv: {}, activationId: newActivationId(), transactionId: 't', parameters: {} },
    acceptedAt: Date.now(),
    ...changes,
  };
}

const prompt = (begin: () => boolean = () => true): Handover => ({ begin, isPrompt: true });

/** What came of a run, without a rejection that no one handles. */
function watch(end: Promise<JobEnd>) {
  const seen: { end?: JobEnd; fault?: unknown } = {};
  end.then(
    (value) => Object.assign(seen, { end: value }),
    (fault: unknown) => Object.assign(seen, { fault }),
  );
  return seen;
}

/** Publishes a message as if it came from that node. */
function forge(bus: MemoryBus, subject: string, message: Omit<Message, 'tail'> & { readonly tail?: Buffer }) {
  for (const frame of encodeMessage({ tail: nothing, ...message })) bus.publish(subject, frame);
}

const forgedResult = {
  completion: {
    ...{ status: 'success', start: 'warm', timedOut: false, waitMs: 0, startedAt: 1, endedAt: 1 },
  },
  log: { isLong: false, bytes: 0 },
};

describe('a lost message', () => {
  it('that carried a job costs a third of a second', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    let lost = 0;
    network.fate = ({ type }) => (type === 'run' && lost++ === 0 ? 'is lost' : 'arrives');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    expect(network.count('run')).toBe(2);
    a.answer(given.activationId, { n: 1 });
    expect((await end).completion.result).toEqual({ n: 1 });
  });

  it('that said that a job is here makes it come again, and the job runs once', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    let lost = 0;
    network.fate = ({ type }) => (type === 'beat' && lost++ === 0 ? 'is lost' : 'arrives');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => network.count('run') === 2);
    await until(() => network.count('beat') >= 2);
    a.answer(given.activationId);
    await end;
    expect(a.jobs).toHaveLength(1);
  });

  it('that carried a result makes it come again', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    let lost = 0;
    network.fate = ({ type }) => (type === 'res' && lost++ === 0 ? 'is lost' : 'arrives');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId, { n: 2 });
    expect((await end).completion.result).toEqual({ n: 2 });
    expect(network.count('res')).toBe(2);
  });

  it('that carried a log makes it come again', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    let lost = 0;
    network.fate = ({ type }) => (type === 'log' && lost++ === 0 ? 'is lost' : 'arrives');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId, {}, new Promise((resolve) => setTimeout(resolve, 5, ['one'])));
    expect(linesOf(await (await end).log)).toEqual(['one']);
  });

  it('that acknowledged a result is sent again while the invoker has it', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    let lost = 0;
    network.fate = ({ type }) => (type === 'ack' && lost++ === 0 ? 'is lost' : 'arrives');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId);
    await end;
    await until(() => network.count('ack') >= 2);
    await a.cluster[Symbol.asyncDispose]();
  });

  it.each(['begin', 'cancel'] as const)('of type %s is repeated', async (type) => {
    const { network, dispatcher, a } = await clusterOf('a');
    let lost = 0;
    network.fate = (passing) => (passing.type === type && lost++ === 0 ? 'is lost' : 'arrives');
    const given = job();
    const begin = vi.fn(() => true);
    void watch(dispatcher.run(given, { begin }));
    await until(() => a.jobs.length === 1);
    expect(begin).toHaveBeenCalledTimes(1);
    dispatcher.cancel(given.activationId);
    await until(() => a.cancelled.includes(given.activationId));
    a.answer(given.activationId);
  });
});

describe('a doubled message', () => {
  it('runs its job once, also when it comes after the end', async () => {
    const { network, dispatcher, a, apiBus } = await clusterOf('a');
    network.fate = () => 'arrives twice';
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId, { n: 3 });
    expect((await end).completion.result).toEqual({ n: 3 });
    await until(() => network.count('ack') > 0);
    const run = network.seen.find(({ type }) => type === 'run');
    if (run === undefined) throw new Error('nothing was sent');
    apiBus.publish(run.subject, run.bytes);
    const next = dispatcher.run(job(), prompt());
    await until(() => a.jobs.length === 2);
    expect(a.jobs.filter(({ activationId }) => activationId === given.activationId)).toHaveLength(1);
    a.answer(a.jobs[1]?.activationId ?? '');
    await next;
  });
});

describe('an invoker that is not heard any more', () => {
  it('fails the jobs that it has within three seconds, and they are cancelled if they live', async () => {
    const { dispatcher, a, network } = await clusterOf('a');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    await until(() => network.count('beat') > 0);
    a.bus.state = 'down';
    const cutAt = performance.now();
    await until(() => seen.fault !== undefined);
    expect(performance.now() - cutAt).toBeLessThan(3_000);
    expect(seen.fault).toMatchObject({
      code: 'INVOKER_LOST',
      kind: 'unreachable',
      message: 'The activation was interrupted: node a had it, and it is not heard any more',
    });
    a.bus.state = 'up';
    await until(() => a.cancelled.includes(given.activationId));
    a.answer(given.activationId);
  });

  it('loses a log that did not come, and the log says so', async () => {
    const { dispatcher, a, network } = await clusterOf('a');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    const late = Promise.withResolvers<readonly string[]>();
    a.answer(given.activationId, {}, late.promise);
    const { log } = await end;
    a.bus.state = 'down';
    skip(3_000);
    expect(linesOf(await log)).toEqual([
      expect.stringMatching(/ stderr: The log was lost: node a, which had it, is not heard any more\.$/),
    ]);
    late.resolve([]);
    a.bus.state = 'up';
    await until(() => network.count('ack') > 0);
  });

  it('is not asked again for a job that may run there, but one that has not begun goes to another', async () => {
    const { network, dispatcher, a, b } = await clusterOf('a', 'b');
    // Node a gets jobs, and what it says is lost.
    network.fate = ({ type, subject }) =>
      subject.endsWith('.a') && type !== 'report' && type !== 'run' ? 'is lost' : 'arrives';
    const [begun, waits] = [job(), job()];
    const first = watch(dispatcher.run(begun, prompt()));
    const second = dispatcher.run(waits, { begin: () => true });
    await until(() => b.jobs.length === 1);
    expect(b.jobs.map(({ activationId }) => activationId)).toEqual([waits.activationId]);
    b.answer(waits.activationId, { at: 'b' });
    expect((await second).completion.result).toEqual({ at: 'b' });
    await until(() => first.fault !== undefined);
    expect(first.fault).toMatchObject({ code: 'INVOKER_LOST' });
    expect(a.jobs.map(({ activationId }) => activationId)).toEqual([begun.activationId]);
    a.answer(begun.activationId);
    // It asks again whether the other one begins, and is told no.
    network.fate = () => 'arrives';
    await until(() =>
      network.seen.some(({ type, subject }) => type === 'begin' && subject.includes('.inv.a.')),
    );
    expect(a.jobs).toHaveLength(1);
  });

  it('gets no further jobs', async () => {
    const { dispatcher, a, api } = await clusterOf('a');
    a.bus.state = 'down';
    await until(() => api.nodes().length === 0);
    await expect(dispatcher.run(job())).rejects.toMatchObject({
      code: 'INVOKERS_UNREACHABLE',
      kind: 'busy',
      retryAfterMs: 1000,
    });
  });

  it('was not there when no one has heard the job, so another node gets it', async () => {
    const { dispatcher, a, b } = await clusterOf('a', 'b');
    a.bus.state = 'down';
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => b.jobs.length === 1);
    b.answer(given.activationId, { at: 'b' });
    expect((await end).completion.result).toEqual({ at: 'b' });
    expect(a.jobs).toEqual([]);
  });
});

describe('an invoker that leaves', () => {
  it('finishes what it has, and gets no more', async () => {
    const { dispatcher, a, b, api } = await clusterOf('a', 'b');
    const [given, next] = [job(), job()];
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    const leaving = a.cluster[Symbol.asyncDispose]();
    await until(() => api.nodes().some(({ invoker }) => invoker?.isDraining === true));
    const nextEnd = dispatcher.run(next, prompt());
    await until(() => b.jobs.length === 1);
    b.answer(next.activationId);
    a.answer(given.activationId, { in: 'time' });
    await leaving;
    expect((await end).completion.result).toEqual({ in: 'time' });
    await nextEnd;
    await until(() => api.nodes().length === 1);
    expect(api.nodes().map(({ node }) => node)).toEqual(['b']);
  });
});

describe('an API node that is gone', () => {
  it('has its jobs cancelled after ten seconds', async () => {
    const { dispatcher, a, apiBus } = await clusterOf('a');
    const given = job();
    void watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    apiBus.state = 'down';
    skip(9_000);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(a.cancelled).toEqual([]);
    skip(1_000);
    await until(() => a.cancelled.includes(given.activationId));
    a.answer(given.activationId);
  });

  it('and said good-bye has its jobs cancelled at once', async () => {
    const { network, a } = await clusterOf('a');
    const bus = network.bus();
    const first = await join(bus, { node: 'second' });
    await until(() => first.nodes().some(({ invoker }) => invoker !== undefined));
    const given = job();
    void watch(first.dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    // Only its good-bye arrives.
    network.fate = ({ type, subject }) =>
      subject.endsWith('.second') && type !== 'report' ? 'is lost' : 'arrives';
    await first[Symbol.asyncDispose]();
    await until(() => a.cancelled.includes(given.activationId));
    a.answer(given.activationId);
  });
});

describe('a bus that is down', () => {
  it('for a moment interrupts nothing', async () => {
    const { dispatcher, a, apiBus } = await clusterOf('a');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    apiBus.state = a.bus.state = 'down';
    a.answer(given.activationId, { n: 4 });
    await new Promise((resolve) => setTimeout(resolve, 150));
    skip(5_000);
    await new Promise((resolve) => setTimeout(resolve, 150));
    apiBus.state = a.bus.state = 'up';
    expect((await end).completion.result).toEqual({ n: 4 });
  });

  it('leaves a node with its own invoker alone, which goes on', async () => {
    const network = new MemoryNetwork();
    const a = await invokerNode(network, 'a', { role: 'all', directory: anyDirectory() });
    a.bus.state = 'down';
    const given = job();
    const end = a.cluster.dispatcher.run(given);
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId, { own: true });
    expect((await end).completion.result).toEqual({ own: true });
  });
});

describe('a refusal', () => {
  const busy = dispatchFault('INVOKERS_BUSY', 'full');

  it('sends the job to the next node', async () => {
    const { dispatcher, directory, a, b } = await clusterOf('a', 'b');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, busy);
    await until(() => b.jobs.length === 1);
    b.answer(given.activationId);
    await end;
    expect(directory.sent).toEqual(['a accepted', 'a refused', 'b accepted', 'b ended']);
  });

  it('of the last node is what the caller sees', async () => {
    const { dispatcher, a } = await clusterOf('a');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, busy);
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ code: 'INVOKERS_BUSY', message: 'full' });
  });

  it('for another reason ends the job', async () => {
    const { dispatcher, a, b } = await clusterOf('a', 'b');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    a.refuse(given.activationId, dispatchFault('IMAGE_UNKNOWN', 'no such image'));
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ code: 'IMAGE_UNKNOWN', kind: 'invalid' });
    expect(b.jobs).toEqual([]);
  });
});

describe('at most 64 jobs are without a receipt at a node', () => {
  it('and the others follow when it has answered', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    network.fate = ({ type }) => (type === 'beat' ? 'is lost' : 'arrives');
    const jobs = Array.from({ length: 70 }, () => job());
    const ends = jobs.map((each) => dispatcher.run(each, prompt()));
    await until(() => a.jobs.length === 64);
    expect(network.count('run')).toBe(64);
    network.fate = () => 'arrives';
    await until(() => a.jobs.length === 70);
    for (const { activationId } of jobs) a.answer(activationId);
    await Promise.all(ends);
  });
});

describe('a hostile node', () => {
  it('cannot answer for a job that another node has', async () => {
    const { dispatcher, network, a, api } = await clusterOf('a');
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    const [run] = network.seen.filter(({ type }) => type === 'run');
    const attempt = run?.bytes.readUInt32BE(20) ?? 0;
    const message = { activationId: given.activationId, attempt, tail: Buffer.from('{"forged":true}') };
    const bus = network.bus();
    forge(bus, subjects.api('api', 'evil'), { type: 'res', head: forgedResult, ...message });
    forge(bus, subjects.api('api', 'evil'), { type: 'nack', head: {}, ...message });
    forge(bus, subjects.api('api', 'evil'), { type: 'begin', head: {}, ...message });
    // The right node, but another attempt.
    forge(bus, subjects.api('api', 'a'), {
      type: 'res',
      head: forgedResult,
      ...message,
      attempt: attempt + 1,
    });
    await until(() => api.counts().ignored === 4);
    expect(seen).toEqual({});
    a.answer(given.activationId, { own: true });
    await until(() => seen.end !== undefined);
    expect(seen.end?.completion.result).toEqual({ own: true });
  });

  it('loses only its own job with an answer that can’t be read', async () => {
    const { dispatcher, network, a } = await clusterOf('a');
    const [first, second] = [job(), job()];
    const seen = watch(dispatcher.run(first, prompt()));
    const end = dispatcher.run(second, prompt());
    await until(() => a.jobs.length === 2);
    const [run] = network.seen.filter(({ type }) => type === 'run');
    forge(network.bus(), subjects.api('api', 'a'), {
      ...{ type: 'res', activationId: first.activationId, attempt: run?.bytes.readUInt32BE(20) ?? 0 },
      ...{ head: forgedResult, tail: Buffer.from('{"not": json}') },
    });
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ code: 'INVOKER_LOST', message: expect.stringContaining('not JSON') });
    a.answer(first.activationId);
    a.answer(second.activationId, { ok: true });
    expect((await end).completion.result).toEqual({ ok: true });
  });

  it('stops nothing with noise, and the noise is counted', async () => {
    const { dispatcher, network, a, api } = await clusterOf('a');
    const bus = network.bus();
    const places = [
      subjects.api('api', 'evil'),
      subjects.invoker('a', 'evil'),
      subjects.report('evil'),
      subjects.all('evil'),
    ];
    const [valid = nothing] = encodeMessage({
      ...{ type: 'run', activationId: noActivation, attempt: 1, head: { job: {} }, tail: nothing },
    });
    for (const place of places) {
      for (let n = 0; n < 50; n++) {
        const flipped = Buffer.from(valid);
        flipped[n % flipped.length] = 255 - n;
        bus.publish(place, flipped);
        bus.publish(place, Buffer.alloc(n, n));
      }
    }
    bus.publish(subjects.api('api', 'not a name'), valid);
    forge(bus, subjects.report('evil'), { type: 'report', activationId: noActivation, attempt: 0, head: {} });
    forge(bus, subjects.invoker('a', 'evil'), {
      ...{ type: 'run', activationId: newActivationId(), attempt: 1 },
      head: { start: '0'.repeat(16), sentAt: 0, isAsked: false, job: { namespace: 1 } },
    });
    await until(() => api.counts().refused >= 50);
    expect(a.cluster.counts().refused).toBeGreaterThan(50);
    expect(a.jobs).toEqual([]);
    expect(api.nodes().map(({ node }) => node)).toEqual(['a']);
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId);
    await end;
  });

  it('cannot make others keep more than a bounded part of what it never ends', async () => {
    const { network, api, a } = await clusterOf('a');
    const bus = network.bus();
    const whole = encodeMessage({
      ...{
        type: 'res',
        activationId: noActivation,
        attempt: 0,
        head: {},
        tail: Buffer.alloc(60 * 1024 * 1024),
      },
    });
    const before = process.memoryUsage().arrayBuffers;
    // 50 MiB from each of seven senders, none of which ends a message. The network of this test keeps none of it.
    for (let sender = 0; sender < 7; sender++) {
      for (let n = 0; n < 100; n++) {
        const frame = Buffer.from(whole[n % (whole.length - 1)] ?? nothing);
        frame.writeUInt32BE(Math.trunc(n / (whole.length - 1)), 20);
        bus.publish(subjects.api('api', `evil${sender}`), frame);
        network.seen.length = 0;
      }
      await new Promise(setImmediate);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(320 * 1024 * 1024);
    expect(api.counts().refused).toBeGreaterThan(0);
    expect(a.cluster.nodes()).toHaveLength(1);
  });
});

describe('what is said to other nodes', () => {
  it('reaches them: hints, grants, and the end of actions and namespaces', async () => {
    const { dispatcher, a, b } = await clusterOf('a', 'b');
    dispatcher.warm(job());
    dispatcher.retire('/guest/old');
    dispatcher.expel('gone');
    await until(() => b.told.length === 2 && a.told.length === 3);
    expect(a.told).toEqual(['warm /guest/hello', 'retire /guest/old', 'expel gone']);
    expect(b.told).toEqual(['retire /guest/old', 'expel gone']);
  });

  it('comes together in one status and one set of namespaces', async () => {
    const { dispatcher } = await clusterOf('a', 'b');
    expect(dispatcher.status()).toEqual({
      queued: 2,
      sandboxes: { starting: 0, busy: 2, idle: 4, prewarmed: 0 },
      memoryMiB: 512,
      memoryLimitMiB: 2048,
    });
    expect([...dispatcher.namespaces()].toSorted()).toEqual(['at-a', 'at-b']);
  });

  it('reports violations to a node that can keep them', async () => {
    const network = new MemoryNetwork();
    const reports: unknown[] = [];
    const api = await joined(network.bus(), { node: 'api', onViolation: (report) => reports.push(report) });
    const a = await invokerNode(network, 'a');
    await until(() => a.cluster.nodes().length === 1 && api.nodes().length === 1);
    const report = {
      ...{ kind: 'oom' as const, detail: 'too much', at: 5, namespace: 'guest', action: undefined },
      activationIds: [newActivationId()],
    };
    a.cluster.violated(report);
    await until(() => reports.length === 1);
    expect(reports).toEqual([report]);
  });
});

describe('a name', () => {
  it('is refused to a second node while the first is heard', async () => {
    const { network, api } = await clusterOf('a');
    await expect(join(network.bus(), { node: 'a', nameMs: 300, log: silentLog })).rejects.toMatchObject({
      code: 'NODE_NAME_TAKEN',
      kind: 'conflict',
    });
    expect(api.nodes().map(({ node, role }) => [node, role])).toEqual([['a', 'invoker']]);
  });

  it.each(['', 'a.b', 'a b', '*', 'x'.repeat(65)])('is refused that cannot be one: %j', async (node) => {
    await expect(join(new MemoryNetwork().bus(), { node })).rejects.toMatchObject({
      code: 'NODE_NAME_INVALID',
    });
  });
});
