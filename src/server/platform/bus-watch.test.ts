/** When an API node without an invoker of its own counts as ready. */
import { expect, test } from 'vitest';
import { knowsInvokers, watchBus } from './bus-watch.ts';

function start(knows: boolean) {
  const seen = { isUp: false, roles: [] as string[], ms: 0 };
  const cluster = { isUp: () => seen.isUp, nodes: () => seen.roles.map((role) => ({ role }) as never) };
  return { seen, reach: watchBus(cluster, knows, () => seen.ms) };
}

test('a node of a cluster that has had invokers is cut off until it hears one', () => {
  const { seen, reach } = start(true);
  expect(reach()).toEqual({ bus: 'down', isCutOff: true });
  seen.isUp = true;
  expect(reach()).toEqual({ bus: 'up', isCutOff: true });
  seen.roles = ['api', 'invoker'];
  expect(reach()).toEqual({ bus: 'up', isCutOff: false });
});

test('a bus on which no invoker reports in time does not make it cut off: the others hear no more', () => {
  const { seen, reach } = start(true);
  Object.assign(seen, { isUp: true, roles: ['api'] });
  expect(reach().isCutOff).toBe(true);
  seen.ms = 2_000;
  expect(reach().isCutOff).toBe(false);
});

test('it is cut off when the bus goes down, and waits for reports again when it comes back', () => {
  const { seen, reach } = start(false);
  Object.assign(seen, { isUp: true, roles: ['all'] });
  expect(reach().isCutOff).toBe(false);
  Object.assign(seen, { isUp: false, ms: 60_000 });
  expect(reach()).toEqual({ bus: 'down', isCutOff: true });
  Object.assign(seen, { isUp: true, roles: [], ms: 61_000 });
  expect(reach().isCutOff).toBe(true);
});

test('a new cluster without invokers needs no bus', () => {
  expect(start(false).reach()).toEqual({ bus: 'down', isCutOff: false });
});

test.each([
  [['api'], false],
  [['api', 'invoker'], true],
  [['all'], true],
])('the database knows %j: invokers %s', (roles, known) => {
  expect(knowsInvokers(roles.map((role) => ({ role })))).toBe(known);
});
