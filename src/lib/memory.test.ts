import { expect, test } from 'vitest';
import { giveBack, giveBackAround } from './memory.ts';

test('memory that is given back is freed at once', () => {
  const before = process.memoryUsage().arrayBuffers;
  const bytes = Buffer.allocUnsafeSlow(8 * 1024 * 1024);
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(7e6);
  giveBack(bytes);
  expect(bytes).toHaveLength(0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
});

test('part of a larger buffer is not freed', () => {
  const whole = Buffer.alloc(100, 'x');
  giveBack(whole.subarray(1));
  const pooled = Buffer.from('small');
  giveBack(pooled);
  expect([whole.length, String(pooled)]).toEqual([100, 'small']);
});

test('frees the memory around a part, except a pool that Node shares', () => {
  const part = Buffer.allocUnsafeSlow(1024 * 1024).subarray(0, 1000);
  const pooled = Buffer.from('small');
  expect(pooled.buffer.byteLength).toBe(Buffer.poolSize);
  giveBackAround(part);
  giveBackAround(pooled);
  expect([part.length, String(pooled)]).toEqual([0, 'small']);
});
