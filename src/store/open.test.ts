import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startCommand } from '../lib/index.ts';
import { migrate, migrations } from './migrations/index.ts';
import { openStore } from './open.ts';
import type { Schema } from './schema.ts';
import { sqliteThreadDialect } from './sqlite/dialect.ts';
import { startDatabaseThread } from './sqlite/thread.ts';
import { storeSuite } from './store.suite.ts';
import { activationRow, namespaceRow, write } from './suite/context.ts';

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

  test('bring an older database up, with what is in it', async () => {
    await openStore({ path }).then((store) => store.close());
    await rm(path);
    const thread = startDatabaseThread(path);
    const old = new Kysely<Schema>({ dialect: sqliteThreadDialect(thread) });
    await migrate(old, names[0]);
    const { createdAt, keyHash, keyId, name } = namespaceRow('guest');
    await old
      .insertInto('namespaces')
      .values({ name, key_id: keyId, key_hash: keyHash, limits: '{}', created_at: createdAt })
      .execute();
    await old.destroy();

    await using store = await openStore({ path });
    expect(await store.namespaces.byName('guest')).toEqual({ createdAt, keyHash, keyId, name, limits: {} });
    const row = activationRow();
    await store.activations.append(write(row));
    expect(await store.activations.get('guest', row.activationId)).toEqual(row);
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
  const program = new URL('./accept-forever.fixture.ts', import.meta.url).pathname;
  const start = () =>
    startCommand([process.execPath, program, path], { stdio: ['ignore', 'pipe', 'inherit'] });

  test.each([1, 40, 700])('killed after %i accepted invocations loses none', async (enough) => {
    const store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    await store.close();
    const child = start();
    const printed: string[] = [];
    if (child.stdout === null) throw new Error('the child has no stdout');
    for await (const line of createInterface({ input: child.stdout })) {
      printed.push(line);
      if (printed.length === enough) child.kill('SIGKILL');
    }
    await using again = await openStore({ path });
    const pending = new Set((await again.accepted.pending(1_000_000)).map((row) => row.activationId));
    expect(printed.length).toBeGreaterThanOrEqual(enough);
    // The last line may be cut short by the kill.
    expect(printed.filter((id) => id.length === 32 && !pending.has(id))).toEqual([]);
  });

  test('may write while this one does', async () => {
    await using store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    const before = await store.foreignWrites();
    const child = start();
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
