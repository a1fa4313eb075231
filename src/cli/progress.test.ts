import { expect, test } from 'vitest';
import { createProgress } from './progress.ts';

function createStream(more: { isTTY?: boolean; columns?: number }) {
  const written: string[] = [];
  return { written, stream: { ...more, write: (text: string) => written.push(text) } };
}

test('rewrites one line on a terminal, and erases it at the end', () => {
  const { written, stream } = createStream({ isTTY: true, columns: 10 });
  {
    using progress = createProgress(stream, true);
    progress.show('layer 1');
    progress.show('layer 1');
    progress.show('layer 2 of\u001b[2J 9');
  }
  expect(written).toEqual(['\r\u001b[Klayer 1', '\r\u001b[Klayer 2 o', '\r\u001b[K']);
});

test('keeps wide characters on one line of the terminal', () => {
  const { written, stream } = createStream({ isTTY: true, columns: 10 });
  {
    using progress = createProgress(stream, true);
    progress.show('層 1 の漢字です');
  }
  expect(written[0]).toBe('\r\u001b[K層 1 の漢');
});

test.each([
  ['is not a terminal', { columns: 80 }, true],
  ['is to be quiet', { isTTY: true }, false],
])('prints nothing when stderr %s', (_, stream, isShown) => {
  const { written, stream: target } = createStream(stream);
  {
    using progress = createProgress(target, isShown);
    progress.show('layer 1');
  }
  expect(written).toEqual([]);
});
