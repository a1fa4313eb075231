/** Hints about changes: they reach the nodes that take calls, and a flood of them costs little. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { noActivation } from '../wire/frames.ts';
import { createChangeHints, hintMs } from './change-hints.ts';
import { MemoryNetwork } from './cluster.fixture.ts';
import { forge, invokerNode, joined, subjects, until } from './scripted-cluster.fixture.ts';

describe('in time', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('the first goes at once, many follow as one, and none is left out', () => {
    const onHint = vi.fn();
    const send = vi.fn(() => true);
    using hints = createChangeHints({ link: { send }, subject: 'all', onHint });
    for (const [ask, done] of [
      [hints.send, send],
      [hints.take, onHint],
    ] as const) {
      for (let n = 0; n < 1000; n++) ask();
      expect(done).toHaveBeenCalledTimes(1);
      vi.advanceTimersByTime(hintMs);
      expect(done).toHaveBeenCalledTimes(2);
      vi.advanceTimersByTime(10 * hintMs);
      expect(done).toHaveBeenCalledTimes(2);
      ask();
      expect(done).toHaveBeenCalledTimes(3);
    }
  });
});

describe('on the bus', () => {
  it('they reach the other nodes that take calls, also from many', async () => {
    const network = new MemoryNetwork();
    const heard: string[] = [];
    const listening = (node: string) => ({ node, onChanged: () => void heard.push(node) });
    const [a, b] = await Promise.all(['a', 'b'].map((node) => joined(network.bus(), listening(node))));
    const c = await invokerNode(network, 'c', { role: 'all', ...listening('c') });
    await until(() => c.cluster.nodes().length === 2 && b?.nodes().length === 2);
    a?.changed();
    await until(() => heard.length === 2);
    expect(heard.toSorted()).toEqual(['b', 'c']);
    const bus = network.bus();
    for (let n = 0; n < 1000; n++)
      forge(bus, subjects.all('evil'), { type: 'changed', activationId: noActivation, attempt: n, head: {} });
    await until(() => heard.length >= 5);
    expect(heard.length).toBeLessThan(20);
    expect(c.cluster.counts().refused).toBe(0);
  });
});
