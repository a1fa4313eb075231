import { expect, it } from 'vitest';
import { parseAddress } from './networks.ts';
import { createOpenAddresses, mostOpen } from './open-addresses.ts';
import type { Opening } from './services.ts';

const opening = (index: number): Opening => {
  const address = parseAddress(`198.51.${index >> 8}.${index & 255}`);
  if (!address) throw new Error(String(index));
  return { address, service: 0 };
};
const openings = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => opening(from + at));

function bench(apply: () => Promise<void> = async () => {}) {
  const applied: number[] = [];
  const times: number[] = [];
  const clock = { now: 0 };
  const account = createOpenAddresses(
    async (list, seconds) => {
      applied.push(list.length);
      times.push(seconds);
      await apply();
    },
    () => clock.now,
  );
  return { account, applied, times, clock };
}

it('an address is opened again only when it would close too early', async () => {
  const { account, applied, clock } = bench();
  await account.open(openings(0, 3), 60);
  await account.open(openings(0, 3), 60);
  clock.now = 1000;
  await account.open(openings(0, 4), 60);
  clock.now = 30_000;
  await account.open(openings(0, 4), 60);
  expect(applied).toEqual([3, 1, 4]);
});

it('a full account refuses before anything is built, until some have closed', async () => {
  const { account, applied, clock } = bench();
  for (let at = 0; at < mostOpen; at += 32) await account.open(openings(at, 32), 60);
  const steps = applied.length;
  await expect(account.open(openings(mostOpen, 1), 60)).rejects.toMatchObject({ code: 'EGRESS_EXCEEDED' });
  await account.open(openings(0, 32), 60);
  expect(applied).toHaveLength(steps);
  clock.now = 63_000;
  await account.open(openings(mostOpen, 32), 60);
  expect(applied).toHaveLength(steps + 1);
});

it('an address counts while it is being opened, and not when it could not be opened', async () => {
  const gate = Promise.withResolvers<void>();
  const { account } = bench(() => gate.promise);
  const first = account.open(openings(0, mostOpen), 60);
  await expect(account.open(openings(mostOpen, 1), 60)).rejects.toMatchObject({ code: 'EGRESS_EXCEEDED' });
  gate.reject(new Error('nft'));
  await expect(first).rejects.toThrow('nft');
  // There is room again, so this fails for the same reason and not because of the limit.
  await expect(account.open(openings(0, mostOpen), 60)).rejects.toThrow('nft');
});

it.each([
  [60, 5],
  [5, 60],
])(
  'an address opened for %i s and at the same time for %i s closes after the longer time',
  async (...both) => {
    const { account, applied, times, clock } = bench();
    await Promise.all(both.map((seconds) => account.open(openings(0, 1), seconds)));
    expect(times.at(-1)).toBe(62);
    const steps = applied.length;
    clock.now = 55_000;
    await account.open(openings(0, 1), 5);
    expect(applied).toHaveLength(steps);
  },
);

it('an address is opened although another opening of it failed at the same time', async () => {
  const failures = [new Error('nft')];
  const { account, times } = bench(async () => {
    const failure = failures.pop();
    if (failure !== undefined) throw failure;
  });
  const first = account.open(openings(0, 2), 60);
  const second = account.open(openings(1, 2), 5);
  await expect(first).rejects.toThrow('nft');
  await second;
  expect(times).toEqual([62, 7]);
});

it('a full account keeps open what is open, also when further addresses are asked for with it', async () => {
  const { account, applied, clock } = bench();
  for (let at = 0; at < mostOpen; at += 32) await account.open(openings(at, 32), 60);
  clock.now = 30_000;
  await account.open(openings(0, 32), 60);
  const mixed = account.open([...openings(32, 1), ...openings(mostOpen, 1)], 60);
  await expect(mixed).rejects.toMatchObject({ code: 'EGRESS_EXCEEDED' });
  const steps = applied.length;
  clock.now = 70_000;
  await account.open(openings(0, 33), 10);
  expect(applied).toHaveLength(steps);
});

it('an address that is kept open takes no second place', async () => {
  let gate = Promise.resolve();
  const { account, clock } = bench(() => gate);
  await account.open(openings(0, mostOpen - 1), 60);
  clock.now = 30_000;
  const held = Promise.withResolvers<void>();
  gate = held.promise;
  const both = [account.open(openings(0, 32), 60), account.open(openings(mostOpen, 1), 60)];
  held.resolve();
  await Promise.all(both);
  await expect(account.open(openings(mostOpen + 1, 1), 60)).rejects.toMatchObject({
    code: 'EGRESS_EXCEEDED',
  });
});
