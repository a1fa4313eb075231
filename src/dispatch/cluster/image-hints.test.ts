/** Which invokers are told of the image of an action. */
import { describe, expect, it } from 'vitest';
import { clusterOf, invokerNode, job, prompt, until } from './scripted-cluster.fixture.ts';

const image = `acme/app@sha256:${'a'.repeat(64)}`;
const told = `prefetch ${image}`;

describe('the image of an action', () => {
  it('that was deployed is brought to its first two homes, and to no other invoker', async () => {
    const { api, network, a, b } = await clusterOf('a', 'b', 'c');
    api.dispatcher.prefetch(job({ kind: 'blackbox', image }));
    await until(() => network.count('fetch') === 2);
    await until(() => a.told.includes(told) && b.told.includes(told));
    api.dispatcher.prefetch(job());
    expect(network.count('fetch')).toBe(2);
  });

  it('that was deployed or called is brought to an invoker that comes, if it is a home', async () => {
    const { api, network, a, dispatcher } = await clusterOf('b', 'c');
    const given = job({ kind: 'blackbox', image });
    const end = dispatcher.run(given, prompt());
    await until(() => a.jobs.length === 1);
    a.answer(given.activationId);
    await end;
    expect(network.count('fetch')).toBe(0);
    const [first, last] = [await invokerNode(network, 'a'), await invokerNode(network, 'd')];
    await until(() => api.nodes().filter(({ invoker }) => invoker !== undefined).length === 4);
    await until(() => first.told.includes(told));
    expect(last.told).toEqual([]);
    expect(network.count('fetch')).toBe(1);
  });
});
