import { mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemNamespace } from '../functions/index.ts';
import { ensureGuest } from './first-namespace.ts';

type Namespaces = Parameters<typeof ensureGuest>[0];

const having = (...names: readonly string[]): Namespaces =>
  // The code asks only for names.
  ({ list: async () => names.map((name) => ({ name })), create: async () => 'id:secret' }) as never;

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
