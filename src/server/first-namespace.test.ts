import { existsSync } from 'node:fs';
import { mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultLimits, Namespaces, systemNamespace } from '../functions/index.ts';
import { type NamespaceRow, openStore } from '../store/index.ts';
import { ensureGuest } from './first-namespace.ts';

type Service = Parameters<typeof ensureGuest>[0];

const having = (...names: readonly string[]): Service =>
  // The code asks only for names.
  ({
    list: async () => names.map((name) => ({ name })),
    create: async (_: string, keep: (key: string) => Promise<void>) => {
      await keep('id:secret');
      return 'id:secret';
    },
  }) as never;

test('only its owner can read the key of the first namespace', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-guest-'));
  const file = join(folder.path, 'guest.auth');
  expect(await ensureGuest(having(systemNamespace), file)).toBe('id:secret');
  expect(await readFile(file, 'utf8')).toBe('id:secret\n');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('keeps an earlier key beside the new one, and makes none if a namespace exists', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-guest-'));
  const file = join(folder.path, 'guest.auth');
  await writeFile(file, 'old:key\n');
  expect(await ensureGuest(having(systemNamespace, 'a'), file)).toBeUndefined();
  expect(await readFile(file, 'utf8')).toBe('old:key\n');
  await ensureGuest(having(), file);
  const [, aside = ''] = (await readdir(folder.path)).sort();
  expect(await readFile(join(folder.path, aside), 'utf8')).toBe('old:key\n');
  expect(await readFile(file, 'utf8')).toBe('id:secret\n');
});

/** Namespaces of a database, and what the key file has when each is created. */
async function watching(folder: string) {
  const file = join(folder, 'guest.auth');
  const store = await openStore({ path: join(folder, 'ward.db') });
  const seen: (string | undefined)[] = [];
  const create = async (row: NamespaceRow) => {
    seen.push(await readFile(file, 'utf8').catch(() => undefined));
    return store.namespaces.create(row);
  };
  const { keys, entities, members } = store;
  const parts = { keys, entities, members, namespaces: { ...store.namespaces, create } };
  const namespaces = new Namespaces(parts, defaultLimits);
  return { file, seen, namespaces, [Symbol.asyncDispose]: () => store.close() };
}

test('no kill loses the key: the file has it before the namespace exists', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-guest-'));
  await using site = await watching(folder.path);
  const key = await ensureGuest(site.namespaces, site.file);
  expect(key).toMatch(/^[0-9a-f-]{36}:/);
  expect(site.seen).toEqual([`${key}\n`]);
});

test('leaves no key that opens nothing when another server was faster', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-guest-'));
  await using site = await watching(folder.path);
  const { namespaces, file } = site;
  await namespaces.create('guest');
  const list = async () => [];
  const create: Namespaces['create'] = (...args) => namespaces.create(...args);
  expect(await ensureGuest({ list, create }, file)).toBeUndefined();
  expect(existsSync(file)).toBe(false);
});
