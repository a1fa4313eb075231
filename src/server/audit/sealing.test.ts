import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type GateStore, openGateStore } from '../../gate/index.ts';
import { silentLog } from '../../lib/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { sealAll, startSealing } from './sealing.ts';

async function open() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-sealing-')));
  const store: Store = stack.use(await openStore({ path: join(folder.path, 'ward.db') }));
  const chain: GateStore = stack.use(await openGateStore({ path: join(folder.path, 'gate.db') }));
  const opened = stack.move();
  const add = (...names: string[]) =>
    Promise.all(names.map((name) => store.unsealed.add({ what: 'x', name })));
  const sealed = async () => (await chain.audit({ limit: 5000 })).map(({ name }) => name);
  return { store, chain, add, sealed, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('an entry is in the chain once, wherever the process was killed', async () => {
  await using at = await open();
  await at.add('a', 'b');
  const { unsealed } = at.store;
  const died = async () => {
    throw new Error('killed');
  };
  const beforeChain = { sources: [unsealed], chain: { write: died } };
  await expect(sealAll(beforeChain)).rejects.toThrow('killed');
  const beforeDrop = { sources: [{ read: unsealed.read, drop: died }], chain: at.chain };
  await expect(sealAll(beforeDrop)).rejects.toThrow('killed');
  await at.add('c');
  const both = { sources: [unsealed], chain: at.chain };
  await Promise.all([sealAll(both), sealAll(both)]);
  expect(await at.sealed()).toEqual(['a', 'b', 'c']);
  expect(await unsealed.read(10)).toEqual([]);
  expect(await at.chain.verifyAudit()).toMatchObject({ isIntact: true, entries: 3 });
});

test('more than one batch keeps its order, and what can’t be read is named', async () => {
  await using at = await open();
  const names = Array.from({ length: 1100 }, (_, index) => `n${index}`);
  for (const name of names) await at.add(name);
  const { read, drop } = at.store.unsealed;
  const spoiled = {
    drop,
    read: async (limit: number) =>
      (await read(limit)).map((each) => (each.seq === 3 ? { ...each, entry: { event: 7 } } : each)),
  };
  await sealAll({ sources: [spoiled], chain: at.chain });
  expect(await at.sealed()).toEqual(names.map((name, index) => (index === 2 ? undefined : name)));
  expect((await at.chain.audit({ after: 2, limit: 1 }))[0]).toMatchObject({ event: 'unreadable' });
});

test('a server seals by itself, and what it can’t seal waits', async () => {
  await using at = await open();
  let isBroken = true;
  const write: GateStore['write'] = async (given) => {
    if (isBroken) throw new Error('the disk is full');
    await at.chain.write(given);
  };
  await using sealing = startSealing({
    ...{ sources: [at.store.unsealed], chain: { write }, log: silentLog, soonMs: 5 },
  });
  await at.add('a');
  await expect(sealing.settle()).rejects.toThrow('full');
  isBroken = false;
  await at.add('b');
  await expect.poll(at.sealed).toEqual(['a', 'b']);
});
