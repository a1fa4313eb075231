import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Kysely, type TableMetadata } from 'kysely';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { mustRun } from '../../lib/index.ts';
import { pieceOf, type SqlValue } from '../batch.ts';
import { migrate, migrations } from '../migrations/index.ts';
import type { Schema } from '../schema.ts';
import { sessionStore } from '../sessions.ts';
import { sqliteThreadDialect } from '../sqlite/dialect.ts';
import { startDatabaseThread } from '../sqlite/thread.ts';
import { storeSuite } from '../store.suite.ts';
import { activationRow, keyRow, namespaceRow, write } from '../suite/context.ts';
import { sessionLimitTests } from '../suite/session-limits.ts';
import { binaryArray } from './binary-array.ts';
import { copiesOf, newDatabase as databaseOn } from './databases.fixture.ts';
import { postgresDialect, postgresWords } from './dialect.ts';
import { postgresMigrations } from './migrations/index.ts';
import { openPostgresStore } from './open.ts';
import { openPool } from './pool.ts';
import { missingForPostgres, programs, startPostgres } from './server.fixture.ts';
import { faultOf } from './sql-state.ts';
import { postgresChangeTests } from './suite/changes.ts';
import { postgresLockTests } from './suite/locks.ts';
import { lostAnswerTests } from './suite/lost-answers.ts';
import { newerDatabaseTests } from './suite/newer.ts';
import { postgresPlanTests } from './suite/plans.ts';
import { postgresUpgradeTests } from './suite/upgrade.ts';

const missing = await missingForPostgres();
const server = missing === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());

const newDatabase = (settings?: string) => databaseOn(server, settings);

describe.skipIf(missing !== undefined)(`PostgreSQL${missing ? ` (${missing})` : ''}`, () => {
  const migratedDatabase = copiesOf(server, (url) =>
    openPostgresStore({ url }).then((store) => store.close()),
  );

  storeSuite('PostgreSQL store', async () => {
    const { name, url } = await migratedDatabase();
    return {
      open: () => openPostgresStore({ url }),
      dispose: async () => server?.admin(`drop database ${name} with (force)`),
    };
  });

  describe('changes', () =>
    postgresChangeTests({
      newUrl: async () => (await migratedDatabase()).url,
      admin: async (sql) => server?.admin(sql),
    }));

  describe('locks', () => postgresLockTests(async () => (await migratedDatabase()).url));

  describe('limits of sessions', () =>
    sessionLimitTests(async (limits) => {
      const { url } = await migratedDatabase();
      const [store, pool] = [await openPostgresStore({ url }), openPool({ url })];
      const db = new Kysely<Schema>({ dialect: postgresDialect(pool) });
      return {
        ...{ store, sessions: sessionStore(db, postgresWords, limits) },
        async [Symbol.asyncDispose]() {
          await db.destroy();
          await store.close();
        },
      };
    }));

  describe('a newer database', () =>
    newerDatabaseTests({
      newUrl: async () => (await migratedDatabase()).url,
      admin: async (sql, url) => server?.admin(sql, url),
    }));

  describe('a lost answer', () => lostAnswerTests({ server, newDatabase: migratedDatabase }));

  describe('an upgrade', () => postgresUpgradeTests(async () => (await newDatabase()).url));

  describe('plans', () => postgresPlanTests(async () => (await migratedDatabase()).url));

  test('has the tables and columns of SQLite, and its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-columns-'));
    const sqlite = new Kysely<Schema>({
      dialect: sqliteThreadDialect(startDatabaseThread(join(folder, 'ward.db'))),
    });
    const pool = openPool(await newDatabase());
    const postgres = new Kysely<Schema>({ dialect: postgresDialect(pool) });
    try {
      await migrate(sqlite, migrations);
      await migrate(postgres, postgresMigrations);
      const found = columnsOf(await postgres.introspection.getTables());
      const { key_ids: ids, facts, min_reader: minReader, writers, ...shared } = found;
      expect({ ids, facts, minReader, writers }).toEqual({
        ids: ['key_id text'],
        facts: ['name text', 'value text'],
        minReader: ['migration text', 'one integer'],
        writers: [
          'batch integer',
          'changed? _int4',
          'name text',
          'previous? integer',
          'previously_changed? _int4',
        ],
      });
      expect(shared).toEqual(columnsOf(await sqlite.introspection.getTables()));
    } finally {
      await sqlite.destroy();
      await postgres.destroy();
      await rm(folder, { recursive: true });
    }
  });

  test('a migration adds only what servers of the release before can leave out, or says that it does not', async () => {
    const pool = openPool(await newDatabase());
    const db = new Kysely<Schema>({ dialect: postgresDialect(pool) });
    try {
      let before: readonly TableMetadata[] = [];
      // With those before, no two servers were one Ward.
      for (const target of Object.keys(postgresMigrations).filter((name) => name >= '0006')) {
        await migrate(db, postgresMigrations, { target });
        const after = await db.introspection.getTables();
        if (postgresMigrations[target]?.isExpandOnly !== false)
          expect(breaksOf(before, after), target).toEqual([]);
        before = after;
      }
      expect(before.map(({ name }) => name)).toContain('entities');
    } finally {
      await db.destroy();
    }
  });

  test.each([
    ['with another sort order', `template template0 locale_provider icu icu_locale 'en-US'`],
    ['with another encoding', `template template0 encoding 'SQL_ASCII'`],
  ])('refuses a database %s, and says how to create one', async (_, settings) => {
    await expect(openPostgresStore(await newDatabase(settings))).rejects.toMatchObject({
      code: 'STORE_UNFIT',
      hint: expect.stringContaining(`encoding 'UTF8' locale 'C'`),
    });
  });

  test.each([
    ['that does not exist', '', 'STORE_REFUSED', 'does not exist'],
    ['whose connections are all in use', 'connection limit 0', 'STORE_REFUSED', 'has no connection left'],
    ['that is read-only', 'set default_transaction_read_only = on', 'STORE_UNWRITABLE', 'takes no writes'],
  ])('refuses a database %s, and says so', async (_, setting, code, text) => {
    const { name, url } = await newDatabase();
    await server?.admin(setting === '' ? `drop database ${name}` : `alter database ${name} ${setting}`);
    // A superuser is not subject to the limit.
    const at = code === 'STORE_REFUSED' ? url.replace('ward@', 'ordinary@') : url;
    await server?.admin(ordinaryUser);
    await expect(openPostgresStore({ url: at })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
      hint: expect.any(String),
    });
  });

  test('refuses a user that may not create tables', async () => {
    const { url } = await newDatabase();
    await server?.admin(ordinaryUser);
    const opening = openPostgresStore({ url: url.replace('ward@', 'ordinary@') });
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      hint: expect.stringContaining('owner'),
    });
  });

  test('is only read by a reader, and only with the newest tables', async () => {
    const empty = await newDatabase();
    const read = () => openPostgresStore({ url: empty.url, isReader: true });
    await expect(read()).rejects.toMatchObject({
      code: 'STORE_UNFIT',
      message: expect.stringMatching(/version/),
    });
    await openPostgresStore({ url: empty.url }).then((store) => store.close());
    {
      await using reader = await read();
      expect(await reader.namespaces.count()).toBe(0);
      await expect(reader.namespaces.create(namespaceRow('guest'))).rejects.toMatchObject({
        code: 'STORE_UNWRITABLE',
      });
    }
    await server?.admin(
      `delete from kysely_migration where name = (select max(name) from kysely_migration)`,
      empty.url,
    );
    await expect(read()).rejects.toMatchObject({ code: 'STORE_UNFIT' });
  });

  test('has an id, which its copies keep', async () => {
    const { name, url } = await newDatabase();
    const idOf = async (of: string) => {
      await using store = await openPostgresStore({ url: of });
      return await store.facts.id();
    };
    const id = await idOf(url);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(await idOf(url)).toBe(id);
    expect(await idOf((await newDatabase(`template ${name}`)).url)).toBe(id);
    expect(await idOf((await newDatabase()).url)).not.toBe(id);
  });

  test('is the same after pg_dump and pg_restore', async () => {
    const { url } = await migratedDatabase();
    const record = activationRow({ document: { text: 'a\0b' } });
    await using before = await openPostgresStore({ url });
    await before.namespaces.create(namespaceRow('guest'));
    await before.activations.append(write(record, { logs: ['Ä\n'] }));
    const restored = await newDatabase();
    const dump = join(await mkdtemp(join(tmpdir(), 'ward-dump-')), 'ward.dump');
    try {
      await mustRun([join(programs, 'pg_dump'), '--format', 'custom', '--file', dump, url]);
      await mustRun([join(programs, 'pg_restore'), '--dbname', restored.url, '--no-owner', dump]);
    } finally {
      await rm(dirname(dump), { recursive: true });
    }
    await using after = await openPostgresStore(restored);
    expect(await after.facts.id()).toBe(await before.facts.id());
    expect(await after.activations.get('guest', record.activationId)).toEqual(record);
    expect(await after.activations.logs('guest', record.activationId)).toEqual(['Ä\n']);
    // The triggers are there as well.
    await after.activations.append(write(activationRow()));
    expect(await after.activations.count({ namespace: 'guest' })).toBe(2);
  });

  test('reads lists in binary form as they were', async () => {
    const pool = openPool({ url: (await newDatabase()).url });
    const connection = await pool.connect();
    const read = async (type: 'text' | 'bigint', values: readonly SqlValue[]) => {
      const list = binaryArray(type, values);
      const { rows } = await connection.raw(`select value from unnest($1::${type}[]) as value`, [list]);
      return rows.map((row) => Object.values(row ?? {})[0]);
    };
    const texts = ['', 'NULL', null, '{"a":"b\\c"}', 'Ä😀', ' ', '{}'];
    expect(await read('text', texts)).toEqual(texts);
    expect(
      await read('text', ['a\0b', { pieces: [pieceOf([Buffer.from('Ä')]), pieceOf([Buffer.from('b')])] }]),
    ).toEqual(['a\uFFFDb', 'Äb']);
    const numbers = [0, -1, null, 2 ** 40, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    expect(await read('bigint', numbers)).toEqual(numbers);
    expect(await read('text', [])).toEqual([]);
    expect(() => binaryArray('bigint', [0.5])).toThrow('whole number');
    connection.release();
    await pool.close();
  });

  test('deletes logs and inputs with their records, and with the namespace', async () => {
    const { url } = await migratedDatabase();
    await using store = await openPostgresStore({ url });
    for (const name of ['guest', 'other']) await store.namespaces.create(namespaceRow(name));
    const more = { logs: ['ü'], inputJson: '{"a":1}' };
    for (const namespace of ['guest', 'guest', 'other'])
      await store.activations.append(write(activationRow({ namespace, start: 1 }), more));
    const pool = openPool({ url });
    const connection = await pool.connect();
    const left = async () =>
      (
        await connection.raw(`select (select count(*) from activation_logs) as logs,
          (select count(*) from activation_inputs) as inputs, (select sum(bytes) from activation_counts) as bytes`)
      ).rows;
    await store.activations.prune({ namespace: 'guest', max: 1, before: 2 });
    expect(await left()).toMatchObject([{ logs: 2, inputs: 2 }]);
    await store.activations.prune({ namespace: 'guest', max: 9, before: 2 });
    await store.activations.append(write(activationRow(), more));
    await connection.raw(`delete from namespaces where name = 'other'`);
    expect(await left()).toMatchObject([{ logs: 1, inputs: 1 }]);
    await store.activations.prune({ namespace: 'guest', max: 9, keep: 0 });
    expect(await left()).toEqual([{ logs: 0, inputs: 0, bytes: '0' }]);
    connection.release();
    await pool.close();
  });

  test('claims of accepted calls change no index', async () => {
    const { url } = await migratedDatabase();
    const pool = openPool({ url });
    const connection = await pool.connect();
    await connection.raw('begin');
    await connection.raw(`insert into namespaces values ('guest', 'id', 'hash', '{}', 1)`);
    await connection.raw(`insert into accepted (activation_id, namespace, accepted_at, attempt, job)
      select n::text, 'guest', n, 0, repeat('x', 700) from generate_series(1, 300) n`);
    await connection.raw('update accepted set attempt = 1');
    const hot = `select pg_stat_get_xact_tuples_hot_updated('accepted'::regclass) as claims`;
    expect((await connection.raw(hot)).rows).toEqual([{ claims: 300 }]);
    connection.release(true);
    await pool.close();
  });

  test('that has lost its id is not taken for any database', async () => {
    const { url } = await migratedDatabase();
    await server?.admin(`delete from facts where name = 'id'`, url);
    await using store = await openPostgresStore({ url });
    await expect(store.facts.id()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  test('does not change the check of keys for one who has lost the lease', async () => {
    const { url } = await migratedDatabase();
    await using store = await openPostgresStore({ url });
    const take = async () => {
      const lease = await store.leases.take({ name: 'work', holder: 'a', ms: 0 });
      if (lease === undefined) throw new Error('it is taken');
      return store.under(lease);
    };
    const late = await take();
    await late.facts.setKeyCheck('first');
    const holder = await take();
    await holder.facts.setKeyCheck('second');
    await expect(late.facts.setKeyCheck('late')).rejects.toMatchObject({ code: 'STORE_LEASE_LOST' });
    expect(await store.facts.keyCheck()).toBe('second');
  });

  test('lets one server at a time do what all do at their start', async () => {
    const { url } = await newDatabase();
    await using first = await openPostgresStore({ url });
    await using second = await openPostgresStore({ url });
    const steps: string[] = [];
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const one = first.alone(async () => {
      entered.resolve();
      await leave.promise;
      steps.push('first');
    });
    await entered.promise;
    const other = second.alone(async () => steps.push('second'));
    await untilWaiting(url);
    leave.resolve();
    await Promise.all([one, other]);
    expect(steps).toEqual(['first', 'second']);
    await expect(first.alone(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await second.alone(async () => steps.push('third'));
  });

  test('several processes can create the tables of an empty database at once', async () => {
    const { url } = await newDatabase();
    const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore({ url })));
    await stores[0]?.namespaces.create(namespaceRow('guest'));
    for (const store of stores) {
      expect(await store.namespaces.count()).toBe(1);
      await store.close();
    }
  });

  test('stores texts that contain NUL, which PostgreSQL’s texts cannot', async () => {
    await using store = await openPostgresStore(await newDatabase());
    await store.namespaces.create(namespaceRow('guest'));
    const row = keyRow({ label: 'a\0b' });
    await store.keys.create(row);
    expect(await store.keys.byId(row.keyId)).toEqual({ ...row, label: 'a\uFFFDb' });
    const record = activationRow({ document: { text: 'a\0b' } });
    await store.activations.append(write(record, { logs: ['a\0b'] }));
    expect(await store.activations.get('guest', record.activationId)).toEqual(record);
    expect(await store.activations.logs('guest', record.activationId)).toEqual(['a\0b']);
  });

  test('reports that the server does not answer, and continues when it does again', async () => {
    await using store = await openPostgresStore(await newDatabase());
    await store.namespaces.create(namespaceRow('guest'));
    // The server of the tests does not wait for the disk: a crash would take back what it has just written.
    await server?.admin('checkpoint');
    await server?.crash();
    const appended = store.activations.append(write(activationRow()));
    await expect(store.namespaces.count()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    await server?.start();
    await appended;
    expect(await store.activations.count({ namespace: 'guest' })).toBe(1);
  });

  test('no statement, no idle transaction and no wait for a connection lasts for ever', async () => {
    const pool = openPool(await newDatabase());
    const held = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
    const [connection] = held;
    const limits = await connection?.raw(
      `select current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle`,
    );
    expect(limits?.rows).toEqual([{ statement: '30s', idle: '4s' }]);
    await connection?.raw('set statement_timeout = 20');
    const slow = connection?.raw('select pg_sleep(60)').catch((error) => faultOf(error, 'x').code);
    expect(await slow).toBe('STORE_LOCKED');
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const eleventh = pool.connect().catch((error) => error.code);
      vi.advanceTimersByTime(5000);
      expect(await eleventh).toBe('STORE_UNREACHABLE');
    } finally {
      vi.useRealTimers();
    }
    for (const each of held) each.release();
    await pool.close();
  });

  test('a server that stands still in a transaction loses its locks, and can go on', async () => {
    const pool = openPool(await newDatabase());
    const [still, other] = await Promise.all([pool.connect(), pool.connect()]);
    await still.raw('create table locked (id int)');
    await still.raw('begin');
    await still.raw('lock table locked');
    await other.raw('select count(*) from locked');
    const next = await still.raw('select 1').catch((error) => faultOf(error, 'x').code);
    expect(next).toBe('STORE_UNREACHABLE');
    for (const each of [still, other]) each.release();
    await pool.close();
  });

  test('a connection that ends while it is held fails its statements, and not the process', async () => {
    const pool = openPool(await newDatabase());
    const connection = await pool.connect();
    const { rows } = await connection.raw('select pg_backend_pid()::text as pid');
    const failed = expect(connection.raw('select pg_sleep(60)')).rejects.toThrow();
    await server?.admin(`select pg_terminate_backend((json '${JSON.stringify(rows[0])}' ->> 'pid')::int)`);
    await failed;
    const next = () => connection.raw('select 1').catch((error) => faultOf(error, 'x').code);
    await expect.poll(next).toBe('STORE_UNREACHABLE');
    connection.release();
    await pool.close();
  });
});

test('an unreachable server is reported, without its password', async () => {
  const opening = openPostgresStore({ url: 'postgres://ward:secret@localhost:1/ward' });
  await expect(opening).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
    message: 'the database localhost:1/ward does not answer',
  });
});

const ordinaryUser = `do $$ begin create role ordinary login; exception when duplicate_object then null; end $$`;

/** Resolves when a connection waits for another one's lock. */
async function untilWaiting(url: string): Promise<void> {
  const pool = openPool({ url });
  const connection = await pool.connect();
  const waiting = () => connection.raw(`select 1 from pg_locks where locktype = 'advisory' and not granted`);
  await expect.poll(async () => (await waiting()).rowCount).toBe(1);
  connection.release();
  await pool.close();
}

function columnsOf(tables: readonly TableMetadata[]) {
  const named = tables
    .filter(({ name }) => !name.startsWith('kysely_'))
    .map(({ name, columns }) => [
      name,
      columns
        .map(
          (column) =>
            `${column.name}${column.isNullable ? '?' : ''} ${column.dataType.toLowerCase().replace(/^int[48]$|^bigint$/, 'integer')}`,
        )
        .toSorted(),
    ]);
  return Object.fromEntries(named);
}

/** What a server could miss, or be refused for, that knows only the tables before. */
function breaksOf(before: readonly TableMetadata[], after: readonly TableMetadata[]): readonly string[] {
  return before.flatMap(({ name: table, columns }) => {
    const now = after.find(({ name }) => name === table)?.columns ?? [];
    const lost = columns.filter(
      ({ name, dataType }) => !now.some((each) => each.name === name && each.dataType === dataType),
    );
    const required = now.filter(
      ({ name, isNullable, hasDefaultValue }) =>
        !isNullable && !hasDefaultValue && !columns.some((each) => each.name === name && !each.isNullable),
    );
    return [
      ...lost.map(({ name }) => `${table}.${name} is gone, or has another type`),
      ...required.map(({ name }) => `${table}.${name} must be given`),
    ];
  });
}
