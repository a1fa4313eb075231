import { expect, test } from 'vitest';
import { watchUnneeded } from './unneeded.ts';

function watched(graceMs: number) {
  const clock = { at: 0 };
  const look = watchUnneeded<string>(graceMs, () => clock.at);
  return (at: number, ...unneeded: string[]) => {
    clock.at = at;
    const now = look();
    const over = unneeded.filter((item) => now.isOver(item));
    now.end();
    return over;
  };
}

test('is over after every check of the grace period found it unneeded', () => {
  const look = watched(100);
  expect([look(0, 'a'), look(50, 'a', 'b'), look(100, 'a', 'b'), look(150, 'b')]).toEqual([
    [],
    [],
    ['a'],
    ['b'],
  ]);
});

test('restarts when it was needed meanwhile', () => {
  const look = watched(100);
  expect([look(0, 'a'), look(60), look(120, 'a'), look(219, 'a'), look(220, 'a')]).toEqual([
    [],
    [],
    [],
    [],
    ['a'],
  ]);
});

test('without a grace period it is over at once', () => {
  expect(watched(0)(5, 'a')).toEqual(['a']);
});
