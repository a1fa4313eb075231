import { release } from 'node:os';
import { expect, test } from 'vitest';
import { absentOnHost, isSince, kernelSince, withoutOption } from './cannot-fail.ts';

const here = { kernel: release() };

test.each([
  ['6.18.44-arm64', '6.8', true],
  ['6.8.0', '6.8', true],
  ['6.7.12', '6.8', false],
  ['5.17', '6.8', false],
  ['10.0.1', '6.8', true],
])('kernel %s has a fix from %s: %s', (kernel, version, answer) => {
  expect(isSince(kernel, version)).toBe(answer);
  expect(kernelSince(version)({ kernel }) !== undefined).toBe(answer);
});

test('one existing path of the host is enough to attack', () => {
  expect(absentOnHost(['/no-such', '/dev/null'])(here)).toBeUndefined();
  expect(absentOnHost(['/no-such', '/nor-this'])(here)).toBe('this host has no /no-such or /nor-this');
});

test('an option that every kernel for Ward has is not reported as missing', () => {
  expect(withoutOption('CONFIG_SECCOMP')(here)).toBeUndefined();
});
