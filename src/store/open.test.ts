import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newActivationId, startCommand } from '../lib/index.ts';
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
  test('is for its owner only, with its side files', async () => {
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

  test('is refused in a folder that everyone may write to', async () => {
    await chmod(folder, 0o777);
    await expect(openStore({ path: join(folder, 'ward.db') })).rejects.toMatchObject({
      code: 'STORE_INSECURE',
    });
  });

  test('that is no database is reported as such, and left alone', async () => {
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
    await migrate(old, last);
    for (const statement of statements) await thread.query(statement, []);
    await old.destroy();
  }

  test('bring an older database up, with what is in it', async () => {
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

  test('bring one with actions, records and accepted calls up', async () => {
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
      `insert into accepted values ('${newActivationId()}', 'guest', 1, 0, '{}')`,
    ]);
    await using store = await openStore({ path });
    expect(await store.entities.get('guest', 'p/a')).toEqual(old);
    expect(await store.activations.count({ namespace: 'guest' })).toBe(5);
    expect(await store.activations.count({ namespace: 'empty' })).toBe(0);
    expect(await store.activations.logs('guest', ids[0] ?? '')).toEqual(['x']);
    expect(await store.accepted.pending(10)).toHaveLength(1);
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

  test('a database of a newer Ward is refused untouched', async () => {
    await openStore({ path }).then((store) => store.close());
    using database = new DatabaseSync(path);
    database.exec(`insert into kysely_migration values ('9999-future', '2099-01-01')`);
    await expect(openStore({ path })).rejects.toMatchObject({ code: 'STORE_NEWER', kind: 'unsupported' });
  });
});

describe('another process', () => {
  const start = (program: string) =>
    startCommand([process.execPath, new URL(program, import.meta.url).pathname, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  /** Runs the program until it has printed so many lines, and kills it. */
  const killAfter = async (program: string, enough: number) => {
    const child = start(program);
    const printed: string[] = [];
    if (child.stdout === null) throw new Error('the child has no stdout');
    for await (const line of createInterface({ input: child.stdout })) {
      printed.push(line);
      if (printed.length === enough) child.kill('SIGKILL');
    }
    expect(printed.length).toBeGreaterThanOrEqual(enough);
    // The last line may be cut short by the kill.
    return printed.filter((id) => id.length === 32);
  };
  const makeGuest = async () => {
    const store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    await store.close();
  };

  test.each([1, 40, 700])('killed after %i accepted invocations loses none', async (enough) => {
    await makeGuest();
    const printed = await killAfter('./accept-forever.fixture.ts', enough);
    await using again = await openStore({ path });
    const pending = new Set((await again.accepted.pending(1_000_000)).map((row) => row.activationId));
    expect(printed.filter((id) => !pending.has(id))).toEqual([]);
  });

  test.each([1, 300])('killed after %i deliveries and firings loses none', async (enough) => {
    await makeGuest();
    const printed = await killAfter('./fire-forever.fixture.ts', enough);
    await using again = await openStore({ path });
    const feeds = new Set((await again.feeds.due(1, 1_000_000)).map((row) => row.trigger));
    const deliveries = new Set((await again.deliveries.due(1, 1_000_000)).map((row) => row.id));
    expect(printed.filter((id) => !feeds.has(id) || !deliveries.has(id))).toEqual([]);
  });

  test.each([3, 60])('killed after pruning %i times leaves no part of a record', async (enough) => {
    await makeGuest();
    await killAfter('./prune-forever.fixture.ts', enough);
    await using again = await openStore({ path });
    const total = await again.activations.count({ namespace: 'guest' });
    expect(await again.activations.count({ namespace: 'guest', since: 0 })).toBe(total);
    using database = new DatabaseSync(path);
    const count = (table: string) => database.prepare(`select count(*) n from ${table}`).get()?.['n'];
    expect([count('activation_logs'), count('activation_inputs')]).toEqual([total, total]);
    expect(database.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' });
    expect(database.prepare('pragma foreign_key_check').all()).toEqual([]);
  });

  test('may write while this one does', async () => {
    await using store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    const before = await store.foreignWrites();
    const child = start('./accept-forever.fixture.ts');
    const exited = once(child, 'exit');
    if (child.stdout === null) throw new Error('the child has no stdout');
    await once(child.stdout, 'data');
    const rows = Array.from({ length: 500 }, () => activationRow());
    await Promise.all(rows.map((row) => store.activations.append(write(row, { logs: ['x'] }))));
    child.kill('SIGKILL');
    await exited;
    expect(await store.activations.count({ namespace: 'guest' })).toBe(500);
    expect((await store.accepted.pending(1)).length).toBe(1);
    expect(await store.foreignWrites()).toBeGreaterThan(before);
  });
});
