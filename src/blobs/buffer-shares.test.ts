import { expect, test } from 'vitest';
import { createBufferShares } from './buffer-shares.ts';

const kibibyte = 1024;

test('few transfers have large buffers, many share the memory, and ended ones give it back', () => {
  const shares = createBufferShares(4096 * kibibyte);
  const first = shares.enter();
  expect(first.bytes).toBe(512 * kibibyte);
  const others = Array.from({ length: 15 }, () => shares.enter());
  expect(first.bytes).toBe(128 * kibibyte);
  const more = Array.from({ length: 1000 }, () => shares.enter());
  expect(first.bytes).toBe(16 * kibibyte);
  for (const share of [...others, ...more]) share[Symbol.dispose]();
  expect(first.bytes).toBe(512 * kibibyte);
});
