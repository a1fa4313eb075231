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
  const clock = { now: 0 };
  const account = createOpenAddresses(
    async (list) => {
      applied.push(list.length);
      await apply();
    },
    () => clock.now,
  );
  return { account, applied, clock };
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
