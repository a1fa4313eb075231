/** Which addresses sandboxes get, with doubles of everything that needs a kernel. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { egressCeilingSchema, grantEgress } from './grants.ts';
import { defaultEgressLimits } from './limits.ts';
import type { Router } from './router/router.ts';
import { parseEgress } from './rules.ts';
import { openWaysOut } from './ways-out.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ward-ways-out-'));
});
afterAll(() => rm(dir, { recursive: true }));

const grants = grantEgress(parseEgress(['api.example.com:443']), egressCeilingSchema.parse('public'));

/** Two addresses, and a packet filter that refuses what the test says. */
function bench() {
  const slots: number[] = [];
  const state = { refuses: (_rules: string): boolean => false, isBroken: false, routers: 0 };
  const openRouter = async (): Promise<Router> => {
    const number = ++state.routers;
    return {
      namespace: 'nowhere',
      filter: {
        async apply(rules) {
          if (state.refuses(rules)) throw new Error('nft: exit 1');
          const slot = /chain s(\d+) \{/.exec(rules)?.[1];
          if (slot !== undefined) slots.push(Number(slot));
        },
      },
      resolver: { serve() {}, leave() {}, mark() {}, ended: new Promise(() => {}), async end() {} },
      own: () => [],
      shares: undefined,
      startUplink: async () => ({ ended: new Promise(() => {}), chargeTo() {}, async end() {} }),
      async told() {},
      trafficOf: () => () => ({ sentBytes: 0, receivedBytes: 0 }),
      get isBroken() {
        return state.isBroken && number === 1;
      },
      async close() {},
    };
  };
  const ways = openWaysOut(
    { dir, takeOwnerId: () => 1, log: silentLog },
    { openRouter, makeLinkedNamespace: async () => {}, releaseNamespace: async () => {}, maxSlots: 2 },
  );
  const open = () =>
    ways.open({
      ...{ tenant: 'guest', grants, limits: defaultEgressLimits, resolvers: undefined, dir },
      onRefusal() {},
    });
  return { open, slots, state };
}

const isRemoval = (rules: string) => rules.startsWith('delete');

test('an address is used again when its rules are gone', async () => {
  const { open, slots } = bench();
  for (let n = 0; n < 4; n++) await (await open()).close();
  expect(slots).toEqual([1, 2, 1, 2]);
});

test('an address whose rules could not be removed is never used again', async () => {
  const { open, slots, state } = bench();
  const first = await open();
  state.refuses = isRemoval;
  await first.close();
  state.refuses = () => false;
  for (let n = 0; n < 3; n++) await (await open()).close();
  expect(slots).toEqual([1, 2, 2, 2]);
  await using stack = new AsyncDisposableStack();
  const last = await open();
  stack.defer(() => last.close());
  await expect(open()).rejects.toMatchObject({ code: 'EGRESS_UNAVAILABLE' });
});

test('an address whose rules were refused is used again: there is nothing to remove', async () => {
  const { open, slots, state } = bench();
  state.refuses = () => true;
  for (let n = 0; n < 3; n++) await expect(open()).rejects.toThrow('nft: exit 1');
  state.refuses = () => false;
  const both = [await open(), await open()];
  expect(slots).toEqual([2, 1]);
  for (const each of both) await each.close();
});

test('an address of a broken router is used again in the next one: its rules are gone', async () => {
  const { open, slots, state } = bench();
  const both = [await open(), await open()];
  state.isBroken = true;
  state.refuses = isRemoval;
  for (const each of both) await each.close();
  state.refuses = () => false;
  await (await open()).close();
  expect([state.routers, slots]).toEqual([2, [1, 2, 1]]);
});
