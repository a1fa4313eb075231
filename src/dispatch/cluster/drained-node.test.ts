/** What the operator's orders to drain a node do, in whatever order they arrive. */
import { describe, expect, it } from 'vitest';
import { noActivation } from '../wire/frames.ts';
import { anyDirectory, MemoryNetwork } from './cluster.fixture.ts';
import {
  clusterOf,
  forge,
  invokerNode,
  job,
  joined,
  nothing,
  type ScriptedNode,
  subjects,
  until,
  watch,
} from './scripted-cluster.fixture.ts';
import type { Cluster } from './types.ts';

describe('a drained node', () => {
  const order = (node: string, at: number, isDrained = true) => new Map([[node, { isDrained, at }]]);
  const answerAll = (...nodes: readonly ScriptedNode[]) => {
    for (const { jobs, answer } of nodes) for (const { activationId } of jobs) answer(activationId);
  };
  const orderOf = (cluster: Cluster, name: string) =>
    cluster.nodes().find(({ node }) => node === name)?.order;

  it('gets no new jobs at once, finishes what it has, says so, and takes work again', async () => {
    const { network, api, dispatcher, a, b } = await clusterOf('a', 'b');
    const first = watch(dispatcher.run(job()));
    await until(() => a.jobs.length === 1);
    api.drain(order('a', 5));
    void watch(dispatcher.run(job()));
    await until(() => b.jobs.length === 1 && orderOf(api, 'a')?.isDrained === true);
    expect(api.nodes().find(({ node }) => node === 'a')?.invoker?.isDraining).toBe(true);
    expect([a.jobs.length, a.cancelled, network.count('run')]).toEqual([1, [], 2]);
    answerAll(a, b);
    await until(() => first.end !== undefined);
    api.drain(order('a', 6, false));
    await until(() => orderOf(api, 'a')?.isDrained === false);
    void watch(dispatcher.run(job()));
    await until(() => a.jobs.length === 2);
    answerAll(a);
  });

  it('refuses what an API node sends that does not know of the order, which then goes elsewhere', async () => {
    const { network, api, a, b } = await clusterOf('a', 'b');
    const directory = { ...anyDirectory(), choose: () => ['a', 'b'] };
    const late = await joined(network.bus(), { node: 'late', directory });
    await until(() => late.nodes().length === 3);
    api.drain(order('a', 5));
    await until(() => orderOf(api, 'a') !== undefined);
    void watch(late.dispatcher.run(job()));
    await until(() => b.jobs.length === 1);
    expect(a.jobs).toEqual([]);
    answerAll(b);
  });

  it('follows the latest order, however late another one arrives or how often it is lost', async () => {
    const { network, api, apiBus } = await clusterOf('a');
    const other = await joined(network.bus(), { node: 'other' });
    await until(() => other.nodes().length === 2);
    let lost = 0;
    network.fate = ({ type }) => (type === 'drain' && lost++ < 2 ? 'is lost' : 'arrives twice');
    api.drain(order('a', 5));
    await until(() => orderOf(other, 'a')?.at === 5);
    expect(lost).toBeGreaterThan(2);
    network.fate = () => 'arrives';
    const said = network.count('drain');
    const earlier = { type: 'drain', activationId: noActivation, attempt: 0, tail: nothing } as const;
    forge(apiBus, subjects.invoker('a', 'other'), { ...earlier, head: { isDrained: false, at: 4 } });
    const reports = network.count('report');
    await until(() => network.count('report') > reports + 6);
    expect(network.count('drain')).toBe(said + 1);
    expect(orderOf(api, 'a')).toEqual({ isDrained: true, at: 5 });
  });

  it('stays drained when it starts again, from its first report on', async () => {
    const { network, api, dispatcher, a, b } = await clusterOf('a', 'b');
    api.drain(order('a', 5));
    await until(() => orderOf(api, 'a') !== undefined);
    await a.cluster[Symbol.asyncDispose]();
    const next = await invokerNode(network, 'a');
    await until(() => api.nodes().length === 2);
    void watch(dispatcher.run(job()));
    await until(() => b.jobs.length === 1 && orderOf(api, 'a') !== undefined);
    expect(next.jobs).toEqual([]);
    answerAll(b);
  });

  it('with an API of its own gives all its calls to others, and none to itself when there are none', async () => {
    const network = new MemoryNetwork();
    const own = await invokerNode(network, 'own', { role: 'all', orders: order('own', 5) });
    const { dispatcher } = own.cluster;
    await expect(dispatcher.run(job())).rejects.toMatchObject({ code: 'INVOKERS_UNREACHABLE' });
    const b = await invokerNode(network, 'b');
    await until(() => own.cluster.nodes().some(({ invoker }) => invoker !== undefined));
    void watch(dispatcher.run(job()));
    await until(() => b.jobs.length === 1);
    own.cluster.drain(order('own', 6, false));
    void watch(dispatcher.run(job()));
    await until(() => own.jobs.length + b.jobs.length === 2);
    expect(own.cluster.heard().map(({ report }) => [report.node, report.order?.isDrained])).toEqual([
      ['own', false],
      ['b', undefined],
    ]);
    answerAll(own, b);
  });
});
