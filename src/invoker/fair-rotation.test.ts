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

  it('passes over who can not be served', () => {
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
