import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRefusal, refusedAnswer, refusedName, refusedPacket } from './refusal-text.ts';

const why = 'no rule allows it';

test.each([
  [refusedName('EviL.example.com', why), { target: 'evil.example.com', port: 0, protocol: 'dns', why }],
  [
    refusedAnswer('a.example', 'fd00:1::1', 'a private network'),
    { target: 'a.example', port: 0, protocol: 'dns', why: 'a private network' },
  ],
  [
    refusedPacket({ protocol: 'tcp', address: '203.0.113.10', port: 80 }, why),
    { target: '203.0.113.10', port: 80, protocol: 'tcp', why },
  ],
  [
    refusedPacket({ protocol: 'udp', address: '2001:db8::8', port: 53 }, 'past its limits (5 connections)'),
    { target: '2001:db8::8', port: 53, protocol: 'udp', why: 'past its limits' },
  ],
  [
    refusedPacket({ protocol: 'protocol 47', address: '203.0.113.10', port: 0 }, why),
    { target: '203.0.113.10', port: 0, protocol: 'protocol 47', why },
  ],
])('%s', (text, refusal) => {
  expect(parseRefusal(text)).toEqual(refusal);
});

test.each(['', `name ${'a'.repeat(190)}`, 'tcp 203.0.113.10:99999: x', 'tcp nowhere:80: x', 'name a b: x'])(
  '%s has no target',
  (text) => {
    expect(parseRefusal(text)).toBeUndefined();
  },
);

test('a long line gives a short target and a short reason', () => {
  const lines = fc.tuple(fc.constantFrom('name ', 'tcp ', ''), fc.string({ unit: 'binary', maxLength: 300 }));
  fc.assert(
    fc.property(lines, ([start, rest]) => {
      const refusal = parseRefusal(`${start}${rest}: ${rest}`);
      expect(refusal?.target ?? '').toMatch(/^\S{0,253}$/);
      expect(refusal?.why.length ?? 0).toBeLessThanOrEqual(60);
    }),
    { numRuns: 30 },
  );
});
