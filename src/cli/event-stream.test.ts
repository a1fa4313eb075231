import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type StreamEvent, streamEvents } from './event-stream.ts';

async function* pieces(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function eventsOf(text: string, sizes: readonly number[] = []): Promise<StreamEvent[]> {
  return Array.fromAsync(streamEvents(pieces(text, sizes)));
}

test.each([
  [
    'event: log\ndata: "a"\n\nevent: end\ndata: {}\n\n',
    [
      ['log', '"a"'],
      ['end', '{}'],
    ],
  ],
  [': sign of life\n\ndata: x\n\n', [['message', 'x']]],
  ['data: one\ndata: two\n\n', [['message', 'one\ntwo']]],
  ['event:log\r\ndata:x\r\n\r\n', [['log', 'x']]],
  ['event: log\ndata\n\n', [['log', '']]],
  ['event: log\n\ndata: x\n\n', [['message', 'x']]],
  ['data: cut off', []],
  ['<html>nothing of the kind</html>', []],
])('%j', async (text, expected) => {
  expect((await eventsOf(text)).map(({ type, data }) => [type, data])).toEqual(expected);
});

test('is read wherever the network splits it, even within a character', async () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ''));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(7)), async (lines, sizes) => {
      const text = lines.map((data) => `event: log\ndata: ${data}\n\n`).join('');
      expect((await eventsOf(text, sizes)).map(({ data }) => data)).toEqual(lines);
    }),
  );
});

test('an event that never ends is refused', async () => {
  await expect(eventsOf(`data: ${'x'.repeat(17 * 1024 * 1024)}`)).rejects.toMatchObject({
    code: 'SERVER_NOT_WARD',
  });
});
