/** Messages that are lost or doubled. */
import { describe, expect, it, vi } from 'vitest';
import { linesOf } from '../activation-log.ts';
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
