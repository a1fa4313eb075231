import { expect, test } from 'vitest';
import { createAwakeClock } from './awake-clock.ts';

const tickMs = 100;

/** A clock that ticks when the test says so. */
function clockAt(startMs: number) {
  let nowMs = startMs;
  const clock = createAwakeClock(() => nowMs, tickMs);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { clock, pass };
}

test('counts no standstill, neither before the first tick after it nor from then on', () => {
  const { clock, pass } = clockAt(5_000);
  pass(60_000);
  const woken = clock.now();
  expect(woken).toBe(5_000 + tickMs);
  pass(20);
  expect(clock.tick()).toBe(true);
  expect(clock.now()).toBe(woken);
  pass(2_750);
  expect(clock.now()).toBe(woken + tickMs);
  expect(clock.tick()).toBe(true);
  pass(tickMs);
  expect(clock.tick()).toBe(false);
  expect(clock.now()).toBe(woken + 2 * tickMs);
});

test('counts what a busy process is late by', () => {
  const { clock, pass } = clockAt(0);
  pass(900);
  expect(clock.now()).toBe(900);
  expect(clock.tick()).toBe(false);
  expect(clock.now()).toBe(900);
});

test('never goes back, when a process that seemed busy turns out to have stood still', () => {
  const { clock, pass } = clockAt(0);
  pass(1_050);
  expect(clock.now()).toBe(1_050);
  pass(100);
  expect(clock.now()).toBe(1_050);
  expect(clock.tick()).toBe(true);
  expect(clock.now()).toBe(1_050);
  // From the tick on, it makes up for what it gave too much.
  for (let passed = 0; passed < 1_000; passed += tickMs) {
    pass(tickMs);
    expect(clock.tick()).toBe(false);
  }
  expect(clock.now()).toBe(1_100);
});
