import { describe, expect, it } from 'vitest';
import { createRotation } from './fair-rotation.ts';

interface Queue {
  readonly namespace: string;
  readonly name: string;
  left: number;
}

function drain(queues: readonly Queue[], turns: number): string[] {
  const rotation = createRotation<Queue>();
  for (const queue of queues) rotation.add(queue);
  const served: string[] = [];
  const serve = (queue: Queue) => {
    served.push(queue.name);
    if (--queue.left === 0) rotation.remove(queue);
    return true;
  };
  while (served.length < turns && rotation.next(serve));
  return served;
}

describe('the rotation', () => {
  it('gives a small namespace every other turn beside a flood', () => {
    const flood = { namespace: 'flood', name: 'f', left: 10_000 };
    const small = { namespace: 'small', name: 's', left: 3 };
    expect(drain([flood, small], 8)).toEqual(['f', 's', 'f', 's', 'f', 's', 'f', 'f']);
  });

  it('counts turns by namespace, not by action', () => {
    const many = [1, 2, 3].map((n) => ({ namespace: 'many', name: `m${n}`, left: 100 }));
    const one = { namespace: 'one', name: 'o', left: 100 };
    expect(drain([...many, one], 6)).toEqual(['m1', 'o', 'm2', 'o', 'm3', 'o']);
  });

  it('gives as many turns as their cost makes fair', () => {
    const rotation = createRotation<Queue>();
    const costs: Record<string, number> = { long: 4000, short: 1000 };
    for (const name of ['long', 'short']) rotation.add({ namespace: name, name, left: 1 });
    const turns: Record<string, number> = { long: 0, short: 0 };
    for (let turn = 0; turn < 100; turn++) {
      rotation.next(({ name }) => {
        turns[name] = (turns[name] ?? 0) + 1;
        rotation.charge(name, costs[name] ?? 0);
        return true;
      });
    }
    expect(turns).toEqual({ long: 20, short: 80 });
  });

  it('gives no credit for pauses, and charges nothing while no one else waits', () => {
    const rotation = createRotation<Queue>();
    const busy = { namespace: 'busy', name: 'b', left: 1 };
    const rested = { namespace: 'rested', name: 'r', left: 1 };
    rotation.add(busy);
    const served: string[] = [];
    const serve = ({ namespace, name }: Queue) => {
      served.push(name);
      rotation.charge(namespace, 10);
      return true;
    };
    for (let turn = 0; turn < 50; turn++) rotation.next(serve);
    rotation.add(rested);
    served.length = 0;
    for (let turn = 0; turn < 6; turn++) rotation.next(serve);
    expect(served.filter((name) => name === 'b')).toHaveLength(3);
  });

  it('takes back an excess charge', () => {
    const rotation = createRotation<Queue>();
    for (const name of ['a', 'b']) rotation.add({ namespace: name, name, left: 1 });
    rotation.charge('a', 100);
    rotation.charge('b', 50);
    rotation.charge('a', -100);
    expect(rotation.next(({ name }) => name === 'a')).toBe(true);
    const offered: string[] = [];
    rotation.next(({ name }) => offered.push(name) === 0);
    expect(offered).toEqual(['a', 'b']);
  });

  it('skips items that cannot be served', () => {
    const rotation = createRotation<Queue>();
    rotation.add({ namespace: 'a', name: 'a', left: 1 });
    rotation.add({ namespace: 'b', name: 'b', left: 1 });
    const offered: string[] = [];
    const served = rotation.next((queue) => {
      offered.push(queue.name);
      return queue.name === 'b';
    });
    expect({ offered, served }).toEqual({ offered: ['a', 'b'], served: true });
    expect(rotation.next(() => false)).toBe(false);
  });
});
