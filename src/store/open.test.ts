import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newActivationId } from '../lib/index.ts';
import { migrate, migrations } from './migrations/index.ts';
import { openStore } from './open.ts';
import type { Schema } from './schema.ts';
import { sqliteThreadDialect } from './sqlite/dialect.ts';
import { startDatabaseThread } from './sqlite/thread.ts';
import { storeSuite } from './store.suite.ts';
import { activationRow, entityRow, keyRow, namespaceRow, write } from './suite/context.ts';

storeSuite('SQLite store', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-store-'));
  return {
    open: () => openStore({ path: join(folder, 'ward.db') }),
    dispose: () => rm(folder, { recursive: true }),
  };
});

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-store-'));
  path = join(folder, 'data', 'ward.db');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the database file', () => {
  test('is private to its owner, and so are its side files', async () => {
    await using store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    const files = await readdir(join(folder, 'data'));
    expect(files.toSorted()).toEqual(['ward.db', 'ward.db-shm', 'ward.db-wal']);
    for (const file of files) expect((await stat(join(folder, 'data', file))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
  });

  test('is one file after close', async () => {
    const store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    await store.close();
    expect(await readdir(join(folder, 'data'))).toEqual(['ward.db']);
  });

  test('stops growing while as much is pruned as is written', async () => {
    await using store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    using database = new DatabaseSync(path);
    const pages: number[] = [];
    for (let round = 0; round < 8; round++) {
      const rows = Array.from({ length: 500 }, () => activationRow({ start: round }));
      const logs = ['x'.repeat(10_000)];
      await Promise.all(rows.map((row) => store.activations.append(write(row, { logs, inputJson: '{}' }))));
      while ((await store.activations.prune({ namespace: 'guest', before: round, max: 100 })) > 0);
      pages.push(Number(database.prepare('pragma page_count').get()?.['page_count']));
    }
    expect(pages[7]).toBeLessThan((pages[1] ?? 0) * 1.1);
  });

  test('is refused in a folder that everyone can write to', async () => {
    await chmod(folder, 0o777);
    await expect(openStore({ path: join(folder, 'ward.db') })).rejects.toMatchObject({
      code: 'STORE_INSECURE',
    });
  });

  test('that is not a database is reported, and not changed', async () => {
    const file = join(folder, 'ward.db');
    await writeFile(file, 'this is a letter, not a database. '.repeat(100));
    await expect(openStore({ path: file })).rejects.toMatchObject({ code: 'STORE_CORRUPT', kind: 'host' });
    expect((await stat(file)).size).toBe(3400);
  });

  test('that cannot be made is reported with its path', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openStore({ path: join(folder, 'file', 'ward.db') })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('ward.db'),
    });
  });
});

describe('migrations', () => {
  const names = Object.keys(migrations);

  /** A database as it was after the migration `last`, with the rows of the statements. */
  async function writeOld(last: string, statements: readonly string[]): Promise<void> {
    await mkdir(join(folder, 'data'), { mode: 0o700 });
    const thread = startDatabaseThread(path);
    const old = new Kysely<Schema>({ dialect: sqliteThreadDialect(thread) });
    await migrate(old, migrations, { target: last });
    for (const statement of statements) await thread.query(statement, []);
    await old.destroy();
  }

  test('upgrade an older database and keep its rows', async () => {
    const { createdAt, keyHash, keyId, name } = namespaceRow('guest');
    await writeOld('0001-entities', [
      `insert into namespaces values ('${name}', '${keyId}', '${keyHash}', '{}', ${createdAt})`,
    ]);
    await using store = await openStore({ path });
    expect(await store.namespaces.byName('guest')).toEqual({
      ...{ createdAt, keyHash, keyId, name },
      limits: {},
      settings: {},
    });
    const row = activationRow();
    await store.activations.append(write(row));
    expect(await store.activations.get('guest', row.activationId)).toEqual(row);
  });

  test('upgrade a database with actions, records and accepted calls', async () => {
    const ids = Array.from({ length: 5 }, newActivationId);
    const old = entityRow('p/a', { codeDigest: 'd1' });
    await writeOld('0003-accepted', [
      `insert into namespaces values ('guest', 'k1', 'h', '{"concurrent":5}', 1), ('empty', 'k2', 'h', '{}', 1)`,
      `insert into entities values
        ('guest', 'p/a', 'p', 'actions', '${old.revision}', ${old.updatedAt}, 'd1', '{"path":"p/a"}')`,
      ...ids.map(
        (id, start) =>
          `insert into activations values ('${id}', 'guest', 'a', 'p/a', ${start}, null, 0, '{}', '{"n":1}')`,
      ),
      `insert into activation_logs values ('${ids[0]}', '["x"]')`,
      `insert into accepted values
        ('${ids[0]}', 'guest', 1, 0, '{"code":{"digest":"d1"}}'), ('${ids[1]}', 'guest', 2, 1, '{}')`,
    ]);
    await using store = await openStore({ path });
    expect(await store.entities.get('guest', 'p/a')).toEqual(old);
    expect(await store.activations.count({ namespace: 'guest' })).toBe(5);
    expect(await store.activations.count({ namespace: 'empty' })).toBe(0);
    expect(await store.activations.logs('guest', ids[0] ?? '')).toEqual(['x']);
    expect(await store.holdings.get('guest')).toEqual({
      entityBytes: 1024 + '{"path":"p/a"}'.length,
      codeBytes: 0,
      records: 5,
      recordBytes: 5 * (1024 + '{}{"n":1}'.length) + '["x"]'.length,
    });
    expect(await store.holdings.unmeasuredCode()).toEqual(['d1']);
    expect([await store.accepted.needsCode('d1'), await store.accepted.needsCode('d2')]).toEqual([
      true,
      false,
    ]);
    expect(await store.accepted.adopt('a', 10)).toMatchObject([
      { activationId: ids[0], attempt: 0 },
      { activationId: ids[1], attempt: 1 },
    ]);
    expect(await store.activations.prune({ namespace: 'guest', keep: 2, max: 10 })).toBe(3);
    await store.activations.append(write(activationRow({ namespace: 'empty' })));
    expect(await store.activations.count({ namespace: 'guest' })).toBe(2);
    expect(await store.activations.count({ namespace: 'empty' })).toBe(1);
    await expect(store.keys.create(keyRow({ keyId: 'k1' }))).rejects.toMatchObject({
      code: 'STORE_DUPLICATE',
    });
  });

  test('are each applied once', async () => {
    for (let opening = 0; opening < 3; opening++) await openStore({ path }).then((store) => store.close());
    using database = new DatabaseSync(path);
    const applied = database.prepare('select name from kysely_migration order by name').all();
    expect(applied.map((row) => row['name'])).toEqual(names);
  });

  test('a database of a newer Ward is refused and not changed', async () => {
    await openStore({ path }).then((store) => store.close());
    using database = new DatabaseSync(path);
    database.exec(`insert into kysely_migration values ('9999-future', '2099-01-01')`);
    await expect(openStore({ path })).rejects.toMatchObject({ code: 'STORE_NEWER', kind: 'unsupported' });
  });
});
