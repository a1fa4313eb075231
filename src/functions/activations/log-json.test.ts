import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { logJson, sliceLines } from './log-json.ts';

const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at} "\u0001\ud800`);

test.each([0, 1, sliceLines, sliceLines + 1, 3 * sliceLines])(
  '%i lines are what JSON makes of them',
  async (count) => {
    expect(await logJson(lines(count))).toBe(JSON.stringify(lines(count)));
  },
);

test('others get their turn in between', async () => {
  let turns = 0;
  let isDone = false;
  const others = (async () => {
    for (; !isDone; turns++) await setImmediate();
  })();
  await logJson(lines(5 * sliceLines));
  isDone = true;
  await others;
  expect(turns).toBeGreaterThanOrEqual(4);
});
