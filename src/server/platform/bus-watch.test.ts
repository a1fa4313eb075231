/** When an API node without an invoker of its own counts as ready. */
import { expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { knowsInvokers, watchBus } from './bus-watch.ts';

function start(knows: boolean) {
  const seen = {
    isUp: false,
    roles: [] as string[],
    ms: 0,
    /** When others heard an invoker. */
    others: undefined as number | undefined,
  };
  const cluster = {
    isUp: () => seen.isUp,
    heard: () => ['api', ...seen.roles].map((role) => ({ report: { role }, ageMs: 0 }) as never),
  };
  const warn = vi.fn();
  const watch = watchBus({
    ...{ cluster, knowsInvokers: knows, heardElsewhere: () => seen.others, now: () => seen.ms },
    log: { ...silentLog, warn },
  });
  const { reach, isAlone } = watch;
  return { seen, warn, reach, isAlone, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

test('a node of a cluster that has had invokers is cut off until it hears one', () => {
  using at = start(true);
  const { seen, reach } = at;
  expect(reach()).toEqual({ bus: 'down', isCutOff: true });
  seen.isUp = true;
  expect(reach()).toEqual({ bus: 'up', isCutOff: true });
  seen.roles = ['api', 'invoker'];
  expect(reach()).toEqual({ bus: 'up', isCutOff: false });
});

test('a bus on which no invoker reports in time does not make it cut off: the others hear no more', () => {
  using at = start(true);
  const { seen, reach } = at;
  Object.assign(seen, { isUp: true, roles: ['api'] });
  expect(reach().isCutOff).toBe(true);
  seen.ms = 2_000;
  expect(reach().isCutOff).toBe(false);
});

test('it is cut off when the bus goes down, and waits for reports again when it comes back', () => {
  using at = start(false);
  const { seen, reach } = at;
  Object.assign(seen, { isUp: true, roles: ['all'] });
  expect(reach().isCutOff).toBe(false);
  Object.assign(seen, { isUp: false, ms: 60_000 });
  expect(reach()).toEqual({ bus: 'down', isCutOff: true });
  Object.assign(seen, { isUp: true, roles: [], ms: 61_000 });
  expect(reach().isCutOff).toBe(true);
});

test('a new cluster without invokers needs no bus', () => {
  using at = start(false);
  expect(at.reach()).toEqual({ bus: 'down', isCutOff: false });
});

test('a node is alone while others go on to hear an invoker that it hears no more', () => {
  using at = start(true);
  const { seen, warn, reach, isAlone } = at;
  Object.assign(seen, { isUp: true, roles: ['invoker'], ms: 10_000, others: 9_000 });
  reach();
  Object.assign(seen, { roles: [], ms: 14_000, others: 12_000 });
  expect(reach()).toEqual({ bus: 'up', isCutOff: false });
  Object.assign(seen, { ms: 15_000, others: 12_001 });
  expect(reach()).toEqual({ bus: 'alone', isCutOff: true });
  expect([reach().bus, isAlone()]).toEqual(['alone', true]);
  expect(warn).toHaveBeenCalledTimes(1);
  seen.roles = ['invoker'];
  expect(reach()).toEqual({ bus: 'up', isCutOff: false });
  expect(isAlone()).toBe(false);
});

test('when all invokers end, no node is alone: the others heard the last report at the same time', () => {
  using at = start(true);
  const { seen, reach } = at;
  Object.assign(seen, { isUp: true, roles: ['invoker'], ms: 10_000 });
  reach();
  Object.assign(seen, { roles: [], ms: 13_000, others: 10_900 });
  expect(reach()).toEqual({ bus: 'up', isCutOff: false });
});

test.each([true, false])(
  'a node that has just started is alone if others hear an invoker; it knew of one: %s',
  (knows) => {
    using at = start(knows);
    const { seen, reach } = at;
    Object.assign(seen, { isUp: true, others: -500 });
    reach();
    seen.ms = 2_000;
    expect(reach()).toEqual({ bus: 'alone', isCutOff: true });
    // No node hears one any more, or the database does not answer.
    seen.others = undefined;
    expect(reach()).toEqual({ bus: 'up', isCutOff: false });
  },
);

test('what it hears counts although nobody asks', () => {
  vi.useFakeTimers();
  try {
    using at = start(true);
    const { seen, reach } = at;
    Object.assign(seen, { isUp: true, roles: ['invoker'], ms: 10_000 });
    vi.advanceTimersByTime(500);
    Object.assign(seen, { roles: [], ms: 13_000, others: 10_000 });
    expect(reach()).toEqual({ bus: 'up', isCutOff: false });
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  [['api'], false],
  [['api', 'invoker'], true],
  [['all'], true],
])('the database knows %j: invokers %s', (roles, known) => {
  expect(knowsInvokers(roles.map((role) => ({ role })))).toBe(known);
});
