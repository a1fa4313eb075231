import { describe, expect, it } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { operatorPolicy } from '../../sandbox/index.ts';
import { noActivation } from '../wire/frames.ts';
import type { Message } from '../wire/messages.ts';
import { Membership } from './membership.ts';
import { abilitiesBytes } from './node-report.ts';

const abilities = abilitiesBytes({ operator: operatorPolicy(), gvisorObstacle: undefined });

function membership(): Membership {
  return new Membership({
    self: { node: 'self', role: 'api', start: 'a'.repeat(16), version: '1' },
    ...{ upMs: () => 1, onReport: () => {}, onGone: () => {}, onSameName: () => {}, log: silentLog },
  });
}

function reportOf(node: string, tail: Buffer): Message {
  const sandboxes = { starting: 0, busy: 0, idle: 0, prewarmed: 0 };
  const invoker = {
    status: { queued: 0, sandboxes, memoryMiB: 0, memoryLimitMiB: 1024 },
    ...{ processors: 2, idleMiB: 0, mostStarting: 4, mostQueued: 100, idle: [], isDraining: false },
  };
  const about = { role: 'invoker', start: 'b'.repeat(16), version: '1', protocol: { min: 1, max: 1 } };
  const head = { node, ...about, upMs: 1, isLeaving: false, invoker, kept: [], namespaces: [] };
  return { type: 'report', activationId: noActivation, attempt: 0, head, tail };
}

const abilitiesIn = (members: Membership) => members.live().map(({ invoker }) => invoker?.abilities);

describe('the abilities of invokers', () => {
  it('are one object for all nodes that report the same', () => {
    const members = membership();
    // Each report has its own bytes, as on a bus.
    for (const node of ['a', 'b', 'a']) members.take('invoker', node, reportOf(node, Buffer.from(abilities)));
    const [a, b] = abilitiesIn(members);
    expect(a).toMatchObject({ operator: { ceiling: { runtimes: expect.arrayContaining(['crun']) } } });
    expect(b).toBe(a);
  });

  it('change with the report', () => {
    const members = membership();
    members.take('invoker', 'a', reportOf('a', abilities));
    const gvisorObstacle = { message: 'it is not there', fault: undefined };
    members.take(
      'invoker',
      'a',
      reportOf('a', abilitiesBytes({ operator: operatorPolicy(), gvisorObstacle })),
    );
    expect(abilitiesIn(members)).toMatchObject([{ gvisorObstacle: { message: 'it is not there' } }]);
  });

  it('are refused when they are far larger than an operator can make them', () => {
    const members = membership();
    const padded = Buffer.concat([abilities, Buffer.alloc(128 * 1024, ' ')]);
    const take = () => members.take('invoker', 'a', reportOf('a', padded));
    expect(take).toThrow(expect.objectContaining({ code: 'MESSAGE_INVALID' }));
    expect(members.live()).toEqual([]);
  });
});
