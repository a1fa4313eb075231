import { expect, test } from 'vitest';
import { giveBack } from './memory.ts';

test('memory that is given back is gone at once', () => {
  const before = process.memoryUsage().arrayBuffers;
  const bytes = Buffer.allocUnsafeSlow(8 * 1024 * 1024);
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(7e6);
  giveBack(bytes);
  expect(bytes).toHaveLength(0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
});

test('what is a part of something larger stays', () => {
  const whole = Buffer.alloc(100, 'x');
  giveBack(whole.subarray(1));
  const pooled = Buffer.from('small');
  giveBack(pooled);
  expect([whole.length, String(pooled)]).toEqual([100, 'small']);
});
