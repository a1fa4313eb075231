import { expect, test } from 'vitest';
import { TraceReader } from './trace-reader.ts';

const enter = (pid: number, number: number, first = '0') =>
  `  node-${pid}     [001] .....  8613.127531: sys_enter: NR ${number} (${first}, 7ffd0, 0, 0, 0, 0)\n`;
const fork = (parent: number, child: number) =>
  `  node-${parent}  [000] .....  8613.2: sched_process_fork: comm=node pid=${parent} child_comm=node child_pid=${child}\n`;

test('calls of a process before its filter do not count', () => {
  const reader = new TraceReader('x64');
  reader.push(enter(7, 1) + enter(7, 317, '1') + enter(7, 59) + enter(8, 39));
  expect([...reader.numbers]).toEqual([59]);
});

test('a query of seccomp’s features loads no filter; prctl can load one', () => {
  const reader = new TraceReader('x64');
  reader.push(
    enter(7, 317, '2') + enter(7, 1) + enter(7, 157, '26') + enter(7, 2) + enter(7, 157, '16') + enter(7, 3),
  );
  expect([...reader.numbers]).toEqual([3]);
});

test('its children are under the filter, to the third generation; children of others are not', () => {
  const reader = new TraceReader('x64');
  reader.push(enter(7, 317, '1') + fork(7, 8) + fork(8, 9) + fork(10, 11) + enter(9, 41) + enter(11, 42));
  expect([...reader.numbers]).toEqual([41]);
});

test('text may be cut anywhere', () => {
  const whole = enter(7, 317, '1') + fork(7, 8) + enter(8, 41) + enter(8, 42);
  for (let at = 0; at < whole.length; at++) {
    const reader = new TraceReader('x64');
    reader.push(whole.slice(0, at));
    reader.push(whole.slice(at));
    expect([...reader.numbers]).toEqual([41, 42]);
  }
});

test('a call that was refused with -1 has no number', () => {
  const reader = new TraceReader('x64');
  reader.push(enter(7, 317, '1') + enter(7, -1));
  expect([...reader.numbers]).toEqual([]);
});

test('names with spaces and brackets don’t hide a call', () => {
  const reader = new TraceReader('x64');
  reader.push(enter(7, 317, '1') + enter(7, 41).replace('node-', 'a (b) [c] -9 -'));
  expect([...reader.numbers]).toEqual([41]);
});

test('lost events are counted', () => {
  const reader = new TraceReader('x64');
  reader.push('CPU:1 [LOST 1234 EVENTS]\n');
  expect(reader.lost).toBe(1234);
});
