/** Messages that are lost, doubled or out of order. */
import { randomInt } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { linesOf } from '../activation-log.ts';
import { noActivation } from '../wire/frames.ts';
import type { Fate } from './cluster.fixture.ts';
import { clusterOf, job, prompt, until, watch } from './scripted-cluster.fixture.ts';

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

describe('messages that are lost, doubled and out of order', () => {
  // A result of several frames is whole only when all of them are.
  it.each([10, 900_000])('end each job once, with its result of %i bytes', async (bytes) => {
    const { network, dispatcher, a, b } = await clusterOf('a', 'b');
    const fates: readonly Fate[] = ['is lost', 'arrives twice', 'arrives after others'];
    const spoilt = new Set<string>();
    network.fate = ({ type, bytes: frame }) => {
      const activationId = frame.toString('hex', 4, 20);
      // A node that loses one message of a job twice counts as gone.
      const isEnough = activationId !== noActivation && spoilt.has(`${type} ${activationId}`);
      if (isEnough || Math.random() > 0.3) return 'arrives';
      spoilt.add(`${type} ${activationId}`);
      return fates[randomInt(fates.length)] ?? 'arrives';
    };
    const begun: string[] = [];
    const answered = [a, b].map(({ jobs, answer }) => {
      let next = 0;
      return () => {
        for (const { activationId } of jobs.slice(next)) {
          next++;
          answer(activationId, { of: activationId, padding: 'x'.repeat(bytes) });
        }
      };
    });
    const timer = setInterval(() => answered.forEach((answer) => void answer()), 5);
    onTestFinished(() => clearInterval(timer));
    const ends = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const given = job();
        const handover = prompt(() => begun.push(given.activationId) > 0);
        const { completion } = await dispatcher.run(given, handover);
        return [given.activationId, completion.result] as const;
      }),
    );
    for (const [activationId, result] of ends) expect(result).toMatchObject({ of: activationId });
    expect(new Set(begun).size).toBe(20);
    expect([...a.jobs, ...b.jobs].map(({ activationId }) => activationId).toSorted()).toEqual(
      ends.map(([activationId]) => activationId).toSorted(),
    );
  });
});
