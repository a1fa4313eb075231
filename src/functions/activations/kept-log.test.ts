import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { packLines, packSharedLines } from '../../dispatch/index.ts';
import { keptLog } from './kept-log.ts';

const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at} "\u0001 – ${at * at}`);
const textOf = async (parts: Parameters<typeof keptLog>[0]['parts']) =>
  Buffer.concat((await keptLog({ parts })).pieces).toString();

test.each([
  ['no part', []],
  ['an empty part', [Buffer.alloc(0)]],
  ['one short part', [lines(1)]],
  ['many short parts, and empty ones', Array.from({ length: 30_000 }, (_, at) => lines(at % 3))],
  ['packed parts, small and large', [packLines(lines(2)), packLines(lines(5000)), packLines(lines(3))]],
  ['both', [lines(3), packLines(lines(9000)), lines(1), [], packLines(lines(700)), lines(2), []]],
])('%s equal their JSON', async (_, parts) => {
  const all = parts.flatMap((part) => (Buffer.isBuffer(part) ? unpacked(part) : part));
  expect(await textOf(parts)).toBe(JSON.stringify(all));
});

test('each piece has its own memory, because it will be transferred', async () => {
  const { pieces } = await keptLog({ parts: [lines(5), packLines(lines(5000)), packLines(lines(2))] });
  for (const piece of pieces) expect(piece.length).toBe(piece.buffer.byteLength);
});

test('a packed part that other logs have, too, is copied and stays as it is', async () => {
  const shared = packSharedLines(lines(5000));
  expect(shared).toEqual(packLines(lines(5000)));
  const { pieces } = await keptLog({ parts: [shared] });
  expect(pieces.some(({ buffer }) => buffer === shared.buffer)).toBe(false);
  expect(shared).toEqual(packLines(lines(5000)));
});

test('other work gets a turn in between', async () => {
  let turns = 0;
  let isDone = false;
  const others = (async () => {
    for (; !isDone; turns++) await setImmediate();
  })();
  await textOf(Array.from({ length: 50_000 }, () => ['x'.repeat(30)]));
  isDone = true;
  await others;
  expect(turns).toBeGreaterThanOrEqual(4);
});

function unpacked(part: Buffer): readonly string[] {
  return JSON.parse(`[${part.toString('utf8', 0, Math.max(0, part.length - 1))}]`);
}
