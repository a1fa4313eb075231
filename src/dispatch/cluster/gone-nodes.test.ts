/** Nodes that are killed, leave, or lose the bus. */
import { describe, expect, it } from 'vitest';
import { linesOf, partialOf } from '../activation-log.ts';
import { anyDirectory, join, MemoryNetwork, type Passing } from './cluster.fixture.ts';
import {
  clusterOf,
  invokerNode,
  job,
  joined,
  pass,
  prompt,
  skip,
  until,
  watch,
} from './scripted-cluster.fixture.ts';

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
    await pass(3_000);
    expect(linesOf(await log)).toEqual([
      expect.stringMatching(/ stderr: The log was lost: node a, which had it, is not heard any more\.$/),
    ]);
    expect(partialOf(await log)).toBe('lost');
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
    // It is told that no one wants the other one any more.
    network.fate = () => 'arrives';
    await until(() => a.withdrawn.includes(waits.activationId));
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

describe('an invoker that is heard, and does not answer', () => {
  it('is no reason to call the platform overloaded', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    network.fate = ({ type }) => (type === 'run' ? 'is lost' : 'arrives');
    const seen = watch(dispatcher.run(job(), { begin: () => true }));
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({
      ...{ code: 'INVOKERS_UNREACHABLE', kind: 'busy', retryAfterMs: 1000 },
      message: 'no node that was asked answers',
    });
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

  it('waits for them as long as the operator says, from when it takes no more', async () => {
    const network = new MemoryNetwork();
    const a = await invokerNode(network, 'a', { role: 'all', drainMs: 100_000 });
    const api = await joined(network.bus(), { node: 'api' });
    await until(() => api.nodes().length === 1);
    const [given, own] = [job(), job()];
    const end = watch(api.dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    a.cluster.takeNoMore();
    await until(() => api.nodes().some(({ invoker }) => invoker?.isDraining === true));
    await expect(api.dispatcher.run(job(), prompt())).rejects.toMatchObject({
      ...{ code: 'INVOKER_CLOSED', kind: 'busy', retryAfterMs: 1000 },
      message: 'every node that could run it stops, or takes no new work',
    });
    // A part of its own calls, which no other node takes.
    const ownEnd = watch(a.cluster.dispatcher.run(own));
    await until(() => a.jobs.length === 2);
    a.answer(own.activationId);
    await until(() => ownEnd.end !== undefined);
    const leaving = a.cluster[Symbol.asyncDispose]();
    await pass(11_000);
    expect([end.end, a.cancelled]).toEqual([undefined, []]);
    a.answer(given.activationId, { in: 'time' });
    await leaving;
    await until(() => end.end !== undefined);
  });
});

describe('an API node that is gone', () => {
  it('has its jobs cancelled after ten seconds', async () => {
    const { dispatcher, a, apiBus } = await clusterOf('a');
    const given = job();
    void watch(dispatcher.run(given, prompt()));
    await until(() => a.jobs.length === 1);
    apiBus.state = 'down';
    await pass(7_000);
    expect(a.cancelled).toEqual([]);
    await pass(3_000);
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

describe('an attempt at an activation that another node has begun here', () => {
  it('is refused, so that the end of the first one does not cancel it', async () => {
    const network = new MemoryNetwork();
    const both = await invokerNode(network, 'both', { role: 'all' });
    const api = await joined(network.bus(), { node: 'api' });
    await until(() => api.nodes().length === 1);
    const sent = job();
    const first = api.dispatcher.run(sent);
    await until(() => both.jobs.length === 1);
    await expect(both.cluster.dispatcher.run(sent)).rejects.toMatchObject({ code: 'INVOKERS_BUSY' });
    both.cluster.dispatcher.cancel(sent.activationId);
    expect(both.cancelled).toEqual([]);
    both.answer(sent.activationId);
    await first;
    // Now it is over, and a further one runs.
    void watch(both.cluster.dispatcher.run(sent));
    await until(() => both.jobs.length === 2);
    both.answer(sent.activationId);
  });

  it('is refused to another node while an attempt of this one runs', async () => {
    const network = new MemoryNetwork();
    const both = await invokerNode(network, 'both', { role: 'all' });
    const api = await joined(network.bus(), { node: 'api' });
    await until(() => api.nodes().length === 1);
    const sent = job();
    void watch(both.cluster.dispatcher.run(sent));
    await until(() => both.jobs.length === 1);
    await expect(api.dispatcher.run(sent)).rejects.toMatchObject({ code: 'INVOKERS_BUSY' });
    expect(both.jobs).toHaveLength(1);
    both.answer(sent.activationId);
  });
});

describe('an API node that is killed and starts again', () => {
  it('keeps the jobs that it sends before the others know its new process', async () => {
    const { network, a, apiBus } = await clusterOf('a');
    apiBus.state = 'down';
    const again = await joined(network.bus(), { node: 'api' });
    await until(() => again.nodes()[0]?.invoker !== undefined);
    const given = job();
    const end = again.dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    // Now the first process is silent for long enough, and the second one is heard.
    await pass(3_000);
    await until(() => a.cluster.nodes().length === 1);
    a.answer(given.activationId, { n: 5 });
    expect((await end).completion.result).toEqual({ n: 5 });
    expect(a.cancelled).toEqual([]);
  });
});

describe('a process that stands still', () => {
  it('says at once afterwards which jobs it has', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => network.count('beat') > 0);
    const before = network.count('beat');
    for (let n = 1; n <= 3; n++) {
      skip(1_200);
      await new Promise((resolve) => setTimeout(resolve, 120));
      expect(network.count('beat')).toBeGreaterThanOrEqual(before + n);
    }
    a.answer(given.activationId);
    await end;
  });

  it('does not take that time for a silence of the others', async () => {
    const { dispatcher, a } = await clusterOf('a');
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    skip(15_000);
    await pass(1_000);
    a.answer(given.activationId, { n: 6 });
    expect((await end).completion.result).toEqual({ n: 6 });
    expect(a.cancelled).toEqual([]);
  });

  it('loses a job as fast as ever that it sends before it notices', async () => {
    const { network, dispatcher } = await clusterOf('a');
    network.fate = ({ type }) => (type === 'run' ? 'is lost' : 'arrives');
    skip(60_000);
    const seen = watch(dispatcher.run(job(), prompt()));
    await pass(4_000);
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ code: 'INVOKER_LOST' });
  });

  it.each([
    ['the first thing that it reads', 0],
    ['a moment later', 400],
  ])('does not run a job that was given up meanwhile: %s', async (_, laterMs) => {
    const { network, dispatcher, a } = await clusterOf('a');
    const unread: Passing[] = [];
    network.fate = (passing) => {
      if (passing.type !== 'run') return 'arrives';
      unread.push(passing);
      return 'is lost';
    };
    const given = job();
    const seen = watch(dispatcher.run(given, prompt()));
    await pass(3_000);
    await until(() => seen.fault !== undefined);
    skip(1_200);
    await new Promise((resolve) => setTimeout(resolve, laterMs));
    for (const { subject, bytes } of unread.slice(0, 1)) a.bus.deliver({ subject, bytes, isUnheard: false });
    await until(() => a.withdrawn.includes(given.activationId));
    expect(a.jobs).toEqual([]);
  });

  it('runs a job that comes after it, once its API node says so', async () => {
    const { network, dispatcher, a } = await clusterOf('a');
    skip(1_200);
    const given = job();
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    expect(network.count('begin')).toBe(2);
    a.answer(given.activationId, { n: 7 });
    expect((await end).completion.result).toEqual({ n: 7 });
  });
});

describe('an API node that leaves', () => {
  it('sends a job that has not begun to no other node', async () => {
    const { network, dispatcher, api, a, b } = await clusterOf('a', 'b');
    network.fate = ({ type }) => (type === 'begin' ? 'is lost' : 'arrives');
    const seen = watch(dispatcher.run(job(), { begin: () => true }));
    await until(() => network.count('begin') > 0);
    await api[Symbol.asyncDispose]();
    await until(() => seen.fault !== undefined);
    expect(seen.fault).toMatchObject({ code: 'INVOKERS_UNREACHABLE', kind: 'busy' });
    expect([...a.jobs, ...b.jobs]).toEqual([]);
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
    await pass(5_000);
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

it('a node that is alone says so in its report', async () => {
  const network = new MemoryNetwork();
  await using api = await joined(network.bus(), { node: 'api', isAlone: () => true });
  await using other = await joined(network.bus(), { node: 'other', isAlone: () => false });
  await until(() => other.nodes().length === 1);
  await until(() => api.nodes().length === 1);
  expect(other.nodes()).toMatchObject([{ node: 'api', isAlone: true }]);
  expect(api.nodes()[0]?.isAlone).toBeUndefined();
});
