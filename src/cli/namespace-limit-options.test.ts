import { expect, test } from 'vitest';
import { Input } from './input.ts';
import { namespaceLimitOptions, typedLimits } from './namespace-limit-options.ts';

test('only the given limits change, and `default` resets one', () => {
  expect(typedLimits(new Input([], {}))).toEqual({});
  expect(
    typedLimits(
      new Input([], {
        invocationsPerMinute: '600',
        concurrent: 'default',
        allowedKinds: 'nodejs:24, python:3.13,',
        storeActivations: 'false',
        maxMemory: '256',
        retentionDays: '0',
      }),
    ),
  ).toEqual({
    invocationsPerMinute: 600,
    concurrentInvocations: null,
    allowedKinds: ['nodejs:24', 'python:3.13'],
    storeActivations: false,
    maxActionMemory: 256,
    retentionMaxAgeDays: 0,
  });
});

test.each([
  ['api.example.com:443, 203.0.113.0/24', ['api.example.com:443', '203.0.113.0/24']],
  ['[2001:db8::/32]:443', ['[2001:db8::/32]:443']],
  ['[{"cidr":"203.0.113.0/24"}]', [{ cidr: '203.0.113.0/24' }]],
  ['none', []],
  ['default', null],
])('--egress %s', (typed, egress) => {
  expect(typedLimits(new Input([], { egress: typed }))).toEqual({ egress });
});

test('an option without a valid value is refused', () => {
  for (const options of [
    { maxMemory: 'much' },
    { maxMemory: '-1' },
    { storeActivations: '1' },
    { egress: '[{' },
  ])
    expect(() => typedLimits(new Input([], options))).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test('every option is understood', () => {
  for (const { flags } of namespaceLimitOptions) {
    const name = flags
      .split(' ')[0]
      ?.slice(2)
      .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    expect(Object.values(typedLimits(new Input([], { [name ?? '']: 'default' })))).toEqual([null]);
  }
});
