import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openIdRanges, parseSubIds } from './uid-ranges.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ward-ids-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('two instances never get the same range', () => {
  using one = openIdRanges(dir, []);
  using two = openIdRanges(dir, []);
  const firsts = [one, two, one, two].map((ranges) => ranges.take().firstId);
  expect(new Set(firsts).size).toBe(4);
  for (const first of firsts) {
    expect(first % 65536).toBe(0);
    expect(first).toBeGreaterThanOrEqual(2 ** 30);
  }
});

test('a released range is used again, once', () => {
  using ranges = openIdRanges(dir, []);
  const range = ranges.take();
  range.release();
  range.release();
  expect(ranges.take().firstId).toBe(range.firstId);
  expect(ranges.take().firstId).not.toBe(range.firstId);
});

test('when a window is full, the next one is claimed', () => {
  using ranges = openIdRanges(dir, []);
  const firsts = Array.from({ length: 1030 }, () => ranges.take().firstId);
  expect(new Set(firsts).size).toBe(1030);
});

test('ids of /etc/subuid are never given out', () => {
  const windowSize = 1024 * 65536;
  using ranges = openIdRanges(dir, [{ first: 2 ** 30 + windowSize - 1, count: 1 }]);
  expect(ranges.take().firstId).toBe(2 ** 30 + windowSize);
});

test('a machine without free windows says so', () => {
  using ranges = openIdRanges(dir, [{ first: 0, count: 2 ** 32 }]);
  expect(() => ranges.take()).toThrow(expect.objectContaining({ code: 'UID_RANGES_EXHAUSTED' }));
});

test('the window of an instance that ended is free again', () => {
  const one = openIdRanges(dir, []);
  const { firstId } = one.take();
  one[Symbol.dispose]();
  using two = openIdRanges(dir, []);
  expect(two.take().firstId).toBe(firstId);
});

test('subuid lines', () => {
  expect(parseSubIds('ward:100000:65536\n# comment\n1000:1:2\n')).toEqual([
    { first: 100000, count: 65536 },
    { first: 1, count: 2 },
  ]);
});
