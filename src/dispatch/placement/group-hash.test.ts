import { describe, expect, it } from 'vitest';
import { groupHash } from './group-hash.ts';

const target = { namespace: 'guest', action: '/guest/hello', revision: '1-a' };

describe('groupHash', () => {
  it('is the same for jobs of one revision in one namespace', () => {
    expect(groupHash({ ...target })).toBe(groupHash(target));
    expect(groupHash(target)).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ['namespace', { namespace: 'other' }],
    ['action', { action: '/guest/world' }],
    ['revision', { revision: '2-a' }],
    ['sandbox', { sandbox: { id: 'gvisor' } }],
  ])('differs with the %s', (_, change) => {
    expect(groupHash({ ...target, ...change })).not.toBe(groupHash(target));
  });

  it('has no collision among 100,000 groups', () => {
    const hashes = new Set<string>();
    for (let at = 0; at < 100_000; at++) hashes.add(groupHash({ ...target, action: `/guest/f${at}` }));
    expect(hashes.size).toBe(100_000);
  });
});
