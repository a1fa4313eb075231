import { expect, test } from 'vitest';
import { createLiveLog, type LiveLines } from './log-lines.ts';

/** A live log whose frames come when the test says so. */
function scripted() {
  const told: LiveLines[] = [];
  let onFrame: (() => void) | undefined;
  const log = createLiveLog(
    (kept) => told.push(kept),
    (callback) => {
      onFrame = callback;
      return () => {
        onFrame = undefined;
      };
    },
  );
  return { log, told, frame: () => onFrame?.() };
}

const lineOf = (text: string) => `2026-11-30T08:00:00.000Z stdout: ${text}`;

test('lines are told once a frame, and each is parsed once', () => {
  const { log, told, frame } = scripted();
  for (const text of ['a', 'b']) log.add(lineOf(text));
  expect(told).toEqual([]);
  frame();
  log.add(lineOf('c'));
  frame();
  frame();
  expect(told.map(({ lines }) => lines.map(({ text }) => text))).toEqual([
    ['a', 'b'],
    ['a', 'b', 'c'],
  ]);
  expect(told[1]?.lines[0]).toBe(told[0]?.lines[0]);
});

test('the end tells what no frame has told, and nothing is told after it', () => {
  const { log, told, frame } = scripted();
  log.add(lineOf('last'));
  log.flush();
  frame();
  expect(told).toHaveLength(1);
  log.add(lineOf('too late'));
  log.end();
  frame();
  log.flush();
  expect(told).toHaveLength(1);
});

test('of 100,000 lines the last 10,000 are kept, and the others counted', () => {
  const { log, told, frame } = scripted();
  for (let number = 1; number <= 100_000; number++) {
    log.add(lineOf(`line ${number}`));
    if (number % 1000 === 0) frame();
  }
  expect(told).toHaveLength(100);
  const { lines = [], dropped } = told.at(-1) ?? {};
  expect([lines.length, dropped]).toEqual([10_000, 90_000]);
  expect([lines[0]?.text, lines.at(-1)?.text]).toEqual(['line 90001', 'line 100000']);
  // What was told before has not changed.
  expect(told[0]?.lines.at(-1)?.text).toBe('line 1000');
});

test('long lines are kept up to a sum of their lengths, and the last one always', () => {
  const { log, told, frame } = scripted();
  const long = 'x'.repeat(1024 * 1024);
  for (let number = 0; number < 20; number++) log.add(lineOf(long));
  frame();
  expect(told.at(-1)).toMatchObject({ dropped: 4, lines: { length: 16 } });
  log.add(lineOf(long.repeat(20)));
  frame();
  expect(told.at(-1)).toMatchObject({ dropped: 20, lines: { length: 1 } });
});

test('lines that a new connection brings again are left out', () => {
  const { log, told, frame } = scripted();
  const addAll = (texts: readonly string[]) => {
    for (const [at, text] of texts.entries()) log.add(lineOf(text), at + 1);
    frame();
    return told.at(-1)?.lines.map(({ text }) => text);
  };
  addAll(['a', 'b']);
  expect(addAll(['a', 'b', 'b', 'c'])).toEqual(['a', 'b', 'b', 'c']);
  // The run has begun again.
  expect(addAll(['x', 'b'])).toEqual(['x', 'b']);
});

test('after lines that were missed, the numbers go on', () => {
  const { log, told, frame } = scripted();
  log.add(lineOf('a'), 1);
  log.add(lineOf('Earlier lines, not shown here: 8.'), 9);
  log.add(lineOf('j'), 10);
  log.add(lineOf('Earlier lines, not shown here: 9.'), 9);
  log.add(lineOf('j'), 10);
  log.add(lineOf('k'), 11);
  frame();
  expect(told.at(-1)?.lines.map(({ text }) => text.at(0))).toEqual(['a', 'E', 'j', 'k']);
});
