import { expect, test } from 'vitest';
import { type Log, silentLog } from '../../lib/index.ts';
import { createClockWatch } from './clock-watch.ts';

test('a jump of the clock is detected and logged once; passing time and drift are not jumps', () => {
  let [wall, passed] = [1_000_000, 0];
  const warnings: unknown[] = [];
  const log: Log = { ...silentLog, warn: (...warning: unknown[]) => void warnings.push(warning) };
  const watch = createClockWatch({ now: () => wall, elapsed: () => passed, log });
  const lookAfter = (passedMs: number, setByMs: number): number => {
    passed += passedMs;
    wall += passedMs + setByMs;
    return watch.look();
  };
  expect(watch.look()).toBe(0);
  expect([lookAfter(30_000, 0), lookAfter(30_000, 1000), lookAfter(30_000, -1000)]).toEqual([0, 0, 0]);
  expect(warnings).toEqual([]);
  expect([lookAfter(30_000, -60_000), lookAfter(30_000, 0), lookAfter(0, 1001)]).toEqual([-60_000, 0, 1001]);
  expect(warnings).toEqual([
    [{ jumpMs: -60_000 }, 'the clock was set back: alarms go on by the new time'],
    [{ jumpMs: 1001 }, 'the clock was set forward: alarms go on by the new time'],
  ]);
});
