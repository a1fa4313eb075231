import { PassThrough } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { createIntakes, type Intakes } from './intake.ts';

let clock: number;
let spentMs: number;
let waits: { readonly ms: number; readonly done: () => void }[];
let released: string[];
let intakes: Intakes;

beforeEach(() => {
  [clock, spentMs, waits, released] = [0, 0, [], []];
  intakes = createIntakes({
    now: () => clock,
    spent: () => spentMs,
    wait: (ms, done) => void waits.push({ ms, done }),
    onRelease: (namespace) => released.push(namespace),
  });
});

const cost = (namespace: string, ms: number) =>
  intakes.of(namespace).take(() => {
    spentMs += ms;
    clock += ms;
  });

/** Lets the pauses that have been asked for pass. */
const pass = () => {
  for (const { ms, done } of waits.splice(0)) {
    clock += ms;
    done();
  }
};

test('small costs over time are never held back', () => {
  for (let at = 0; at < 1000; at++) {
    cost('modest', 1);
    clock += 10;
  }
  expect(waits).toEqual([]);
});

test('a burst passes, and a flood is held back until its cost is made up for', () => {
  const [log, other] = [new PassThrough(), new PassThrough()];
  intakes.of('noisy').hold(log);
  intakes.of('quiet').hold(other);
  for (const stream of [log, other]) stream.resume();
  cost('noisy', 15);
  expect(intakes.isHeldBack('noisy')).toBe(false);
  cost('noisy', 10);
  expect(intakes.isHeldBack('noisy')).toBe(true);
  expect([log.isPaused(), other.isPaused()]).toEqual([true, false]);
  expect(intakes.isHeldBack('quiet')).toBe(false);

  // The burst of 20 ms is spent but for 5, and 10 ms add 1. The debt of 4 takes ten times as long.
  expect(waits.map(({ ms }) => Math.round(ms))).toEqual([40]);
  pass();
  expect(intakes.isHeldBack('noisy')).toBe(false);
  expect(log.isPaused()).toBe(false);
  expect(released).toEqual(['noisy']);
});

test.each([4, 100, 3000])(
  'in the long run a namespace costs no more than its share, at %s ms a turn',
  (turnMs) => {
    while (clock < 1_000_000) {
      if (!intakes.isHeldBack('noisy')) cost('noisy', turnMs);
      pass();
    }
    expect(spentMs / clock).toBeGreaterThan(0.09);
    expect(spentMs / clock).toBeLessThan(0.105);
  },
);

test('a namespace that still owes after a pause stays held back, and each pause is short', () => {
  const stream = new PassThrough();
  intakes.of('heavy').hold(stream);
  cost('heavy', 100);
  const pauses: number[] = [];
  while (intakes.isHeldBack('heavy')) {
    expect(stream.isPaused()).toBe(true);
    expect(released).toEqual([]);
    pauses.push(...waits.map(({ ms }) => Math.round(ms)));
    pass();
  }
  // The burst of 20 is spent. The debt of 80 takes ten times as long.
  expect(pauses).toEqual([250, 250, 250, 50]);
  expect(released).toEqual(['heavy']);
  expect(stream.isPaused()).toBe(false);
});

test('what is charged during a pause lengthens it', () => {
  cost('noisy', 30);
  cost('noisy', 10);
  pass();
  expect(intakes.isHeldBack('noisy')).toBe(true);
  expect(waits.map(({ ms }) => Math.round(ms))).toEqual([90]);
  pass();
  expect(intakes.isHeldBack('noisy')).toBe(false);
});

test('a pause that ends a little early is not followed by a long one', () => {
  cost('noisy', 30);
  clock += 99.5;
  waits.splice(0)[0]?.done();
  expect(waits.map(({ ms }) => ms)).toEqual([1]);
});

test('a new stream waits while its namespace is held back, and a closed one is forgotten', () => {
  cost('noisy', 100);
  const late = new PassThrough();
  intakes.of('noisy').hold(late);
  expect(late.isPaused()).toBe(true);
  late.emit('close');
  late.pause();
  while (intakes.isHeldBack('noisy')) pass();
  expect(late.isPaused()).toBe(true);
});

test('debts outlive the sandboxes that made them', () => {
  const stream = new PassThrough();
  intakes.of('noisy').hold(stream);
  cost('noisy', 100);
  stream.emit('close');
  expect(intakes.isHeldBack('noisy')).toBe(true);
  while (waits.length > 0) pass();
  expect(intakes.isHeldBack('noisy')).toBe(false);
});

test('work that cannot be wrapped is charged once, when the callback returns', async () => {
  const intake = intakes.of('noisy');
  for (let n = 0; n < 3; n++) {
    intake.takeTurn();
    spentMs += 10;
  }
  expect(intakes.isHeldBack('noisy')).toBe(false);
  await new Promise(setImmediate);
  expect(waits.map(({ ms }) => Math.round(ms))).toEqual([100]);
});
