import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { parseStoreSetting } from '../config/store-setting.ts';
import { hasDatabaseMark, markDatabase, refuseOtherDatabase, refuseOtherEngine } from './database-mark.ts';
import { dataPaths } from './instance.ts';

const sqlite = parseStoreSetting(undefined);
const postgres = parseStoreSetting('postgres://ward@db/ward');
const otherStore = expect.objectContaining({ code: 'DATA_DIR_OTHER_STORE' });

async function newFolder() {
  const path = await mkdtemp(join(tmpdir(), 'ward-mark-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('a new folder can be used with both engines', async () => {
  await using folder = await newFolder();
  refuseOtherEngine(folder.path, sqlite);
  refuseOtherEngine(folder.path, postgres);
});

test('a folder with databases of its own is not used with PostgreSQL', async () => {
  await using folder = await newFolder();
  const { database } = dataPaths(folder.path);
  await mkdir(dirname(database));
  await writeFile(database, '');
  refuseOtherEngine(folder.path, postgres);
  await writeFile(database, 'rows');
  expect(() => refuseOtherEngine(folder.path, postgres)).toThrow(otherStore);
  refuseOtherEngine(folder.path, sqlite);
});

test('a folder that belongs to PostgreSQL is not used without it', async () => {
  await using folder = await newFolder();
  await markDatabase(folder.path, 'a');
  expect(() => refuseOtherEngine(folder.path, sqlite)).toThrow(otherStore);
  refuseOtherEngine(folder.path, postgres);
});

test('another database is refused, unless the operator accepts it', async () => {
  await using folder = await newFolder();
  const look = (id: string, isMixAccepted = false) =>
    refuseOtherDatabase(folder.path, { id, where: 'db/ward', isMixAccepted, log: silentLog });
  look('a');
  expect(hasDatabaseMark(folder.path)).toBe(false);
  await markDatabase(folder.path, 'a');
  look('a');
  expect(() => look('b')).toThrow(expect.objectContaining({ code: 'DATA_DIR_MIXED' }));
  look('b', true);
  await markDatabase(folder.path, 'b');
  look('b');
});
