import { expect, it } from 'vitest';
import { openPacketFilter } from './packet-filter.ts';

/** Makes a filter that loads when the test releases it, and keeps the rules of each transaction. */
function bench(fails: (rules: string) => boolean = () => false) {
  const loads: string[][] = [];
  let next = Promise.withResolvers<void>();
  const filter = openPacketFilter('/nowhere', async (rules) => {
    loads.push(rules.split('\n'));
    await next.promise;
    if (fails(rules)) throw new Error(`refused ${rules}`);
  });
  const release = () => {
    next.resolve();
    next = { ...Promise.withResolvers<void>(), promise: Promise.resolve() };
  };
  return { filter, loads, release };
}

it('a flood of one tenant delays another tenant and Ward itself by one transaction only', async () => {
  const { filter, loads, release } = bench();
  const flood = Array.from({ length: 200 }, (_, index) => filter.apply(`flood ${index}`, 'flood'));
  const small = [filter.apply('small 0', 'small'), filter.apply('small 1', 'small')];
  const own = filter.apply('own', '');
  release();
  await Promise.all([...flood, ...small, own]);
  expect(loads[0]).toEqual(['flood 0']);
  expect(loads[1]?.slice(0, 5)).toEqual(['own', 'flood 1', 'small 0', 'flood 2', 'small 1']);
  expect(Math.max(...loads.map((rules) => rules.length))).toBe(32);
  expect(loads.flat().filter((rule) => rule.startsWith('flood'))).toEqual(
    flood.map((_, index) => `flood ${index}`),
  );
});

it('rules of one tenant do not fail because of another’s', async () => {
  const { filter, release } = bench((rules) => rules.includes('bad'));
  const first = filter.apply('first', 'a');
  const [bad, good] = [filter.apply('bad', 'b'), filter.apply('good', 'c')];
  release();
  await first;
  await expect(bad).rejects.toThrow('refused bad');
  await good;
});
