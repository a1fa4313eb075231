/** Limits for callers without a key. */
import { describe, expect, test } from 'vitest';
import { type Identity, parseNamespaceName } from '../../functions/index.ts';
import { createAnswerMemory, createUploadMemory } from './body-budget.ts';
import { networkOf } from './client-network.ts';
import { createOwnerShare, shareOf } from './owner-share.ts';
import { createRateLimiter } from './rate-limiter.ts';

describe('a rate', () => {
  const limiter = (capacity = 100) => {
    const clock = { at: 1_000_000 };
    const rate = { perSecond: 2, burst: 3 };
    return { clock, ...{ limiter: createRateLimiter({ rate, capacity, now: () => clock.at }) } };
  };
  const exceeded = (retryAfterMs: number) =>
    expect.objectContaining({ code: 'WEB_RATE_EXCEEDED', kind: 'throttled', retryAfterMs });

  test('allows a burst, and then a steady rate', () => {
    const { clock, limiter: rate } = limiter();
    for (let n = 0; n < 3; n++) rate.take('a');
    expect(() => rate.take('a')).toThrow(exceeded(500));
    clock.at += 250;
    expect(() => rate.take('a')).toThrow(exceeded(250));
    clock.at += 250;
    rate.take('a');
    expect(() => rate.take('a')).toThrow(exceeded(500));
  });

  test('is separate for each key', () => {
    const { limiter: rate } = limiter();
    for (let n = 0; n < 3; n++) rate.take('a');
    rate.take('b');
  });

  test('never exceeds a burst, and gains nothing when the clock is set back', () => {
    const { clock, limiter: rate } = limiter();
    for (let n = 0; n < 3; n++) rate.take('a');
    clock.at -= 10_000;
    expect(() => rate.take('a')).toThrow(exceeded(500));
    clock.at += 1_000_000;
    for (let n = 0; n < 3; n++) rate.take('a');
    expect(() => rate.take('a')).toThrow(exceeded(500));
  });

  test('does not fill the memory with keys, but drops the least recently used', () => {
    const { limiter: rate } = limiter(10);
    for (let n = 0; n < 3; n++) rate.take('busy');
    for (let n = 0; n < 1000; n++) {
      rate.take(`flood ${n}`);
      expect(() => rate.take('busy')).toThrow(exceeded(500));
    }
    expect(rate.size).toBe(10);
  });
});

describe('an owner’s share', () => {
  const owner = (name: string, perMinute: number, atOnce: number): Identity => {
    const limits = { invocationsPerMinute: perMinute, concurrentInvocations: atOnce };
    return { namespace: parseNamespaceName(name), limits } as Identity;
  };

  const whole = ({ limits }: Identity) => limits;

  test.each([
    [0, 0],
    [1, 1],
    [2, 1],
    [10, 8],
    [60, 48],
  ])('of %i is %i', (limit, share) => {
    expect(shareOf(limit)).toBe(share);
  });

  test('at once: leaves the rest to the owner', () => {
    const share = createOwnerShare(whole);
    const held = Array.from({ length: 8 }, () => share.hold(owner('a', 1000, 10)));
    const refused = {
      code: 'WEB_SHARE_EXCEEDED',
      message: 'Too many concurrent requests in flight (count: 8, allowed: 8).',
    };
    expect(() => share.hold(owner('a', 1000, 10))).toThrow(expect.objectContaining(refused));
    share.hold(owner('b', 1000, 10));
    held[0]?.release();
    held[0]?.release();
    share.hold(owner('a', 1000, 10));
    expect(() => share.hold(owner('a', 1000, 10))).toThrow(expect.objectContaining(refused));
  });

  test('is one of what the server allows, where several share the limits', () => {
    const share = createOwnerShare(() => ({ invocationsPerMinute: 500, concurrentInvocations: 5 }));
    for (let n = 0; n < 4; n++) share.hold(owner('a', 1000, 10));
    expect(() => share.hold(owner('a', 1000, 10))).toThrow(
      expect.objectContaining({
        message: 'Too many concurrent requests in flight (count: 4, allowed: 4).',
      }),
    );
  });

  test('a minute: starts again with the next minute', () => {
    const clock = { at: 60_000 * 5 + 20_000 };
    const share = createOwnerShare(whole, () => clock.at);
    for (let n = 0; n < 8; n++) share.hold(owner('a', 10, 100)).release();
    expect(() => share.hold(owner('a', 10, 100))).toThrow(
      expect.objectContaining({
        code: 'WEB_SHARE_EXCEEDED',
        message: 'Too many requests in the last minute (count: 8, allowed: 8).',
        retryAfterMs: 40_000,
      }),
    );
    clock.at += 40_000;
    share.hold(owner('a', 10, 100));
  });
});

describe('memory for bodies', () => {
  const kib = 1024;
  const busy = expect.objectContaining({ code: 'UPLOADS_BUSY' });

  test('is held while a request is under way', () => {
    const budget = createUploadMemory(400 * kib);
    const held = ['a', 'b', 'c', 'd'].map((client) => budget.hold(client, 100 * kib));
    expect(() => budget.hold('e', 100 * kib)).toThrow(busy);
    held[0]?.release();
    held[0]?.release();
    budget.hold('e', 100 * kib);
    expect(() => budget.hold('f', 100 * kib)).toThrow(busy);
  });

  test('one client gets a quarter of it, and at least one body', () => {
    const budget = createUploadMemory(400 * kib);
    const held = budget.hold('a', 300 * kib);
    expect(() => budget.hold('a', 20 * kib)).toThrow(busy);
    budget.hold('b', 100 * kib);
    held.release();
    budget.hold('a', 20 * kib);
  });

  test('of answers is separate', () => {
    const budget = createAnswerMemory(100 * kib);
    budget.hold('a', 80 * kib);
    expect(() => budget.hold('b', 80 * kib)).toThrow(
      expect.objectContaining({ code: 'ANSWERS_BUSY', kind: 'busy' }),
    );
  });

  test('does not count small ones', () => {
    const budget = createUploadMemory(20 * kib);
    for (let n = 0; n < 100; n++) budget.hold('a', 16 * kib);
  });
});

describe('a client', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:0DB8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['nonsense', 'nonsense'],
  ])('%s is counted as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
