import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import { newActivationId, openSqlite } from '../../lib/index.ts';
import { openStore } from '../open.ts';
import { newDatabase } from '../postgres/databases.fixture.ts';
import { postgresDialect } from '../postgres/dialect.ts';
import { openPostgresStore } from '../postgres/open.ts';
import { openPool } from '../postgres/pool.ts';
import { missingForPostgres, startPostgres } from '../postgres/server.fixture.ts';
import {
  accept,
  activationRow,
  all,
  apiRow,
  deliveryRow,
  domainRow,
  entityRow,
  feedRow,
  keyRow,
  namesInOrder,
  namespaceRow,
  scattered,
  write,
} from '../suite/context.ts';
import type { Store } from '../types/store.ts';
import { leftBehind, stateTables } from './state-tables.ts';
import { type TablesPlace, type TransferStep, transferTables } from './transfer.ts';

const missing = await missingForPostgres();
const server = missing === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());

async function makePlaces(folder: string) {
  const { url } = await newDatabase(server);
  const file = join(folder, 'ward.db');
  return {
    ...{ url, file },
    sqlite: { engine: 'sqlite', file } as TablesPlace,
    postgres: { engine: 'postgres', url, schema: 'public' } as TablesPlace,
  };
}

const copy = (
  from: TablesPlace,
  to: TablesPlace,
  { signal = new AbortController().signal, onStep = (_: TransferStep) => {} } = {},
) => transferTables({ from, to, tables: stateTables, signal, onStep });

/** Rows of every table, in an order that no list has. */
async function fill(store: Store, names: readonly string[]): Promise<void> {
  await store.namespaces.create(namespaceRow('guest'));
  await store.namespaces.create(namespaceRow('Ädler'));
  await store.keys.create(keyRow({ label: 'a\0b' }));
  const bound = { maxBytes: 1e9, code: { digest: 'sha256:1', bytes: 5_000 } };
  for (const name of scattered(names)) {
    await store.entities.put(entityRow(name, { codeDigest: 'sha256:1' }), null, bound);
    await store.activations.append(
      write(activationRow({ name, path: name }), { logs: ['a line', 'ü'], inputJson: '{"a":1}' }),
    );
  }
  await store.feeds.put(feedRow('t', { token: 'one' }), null);
  await store.deliveries.add(deliveryRow());
  await store.apis.put(apiRow('/b'), null);
  const domain = domainRow('shop.example');
  await store.domains.put(domain, 1);
  await store.domains.prove(domain, undefined, 5);
  for (const kind of ['a', 'b'])
    await store.violations.add({
      ...{ namespace: 'guest', at: 1, kind, detail: 'why', action: null, activationId: newActivationId() },
    });
  await store.forwardingErrors.replace('guest', { errors: ['ü'] }, undefined);
  await accept(store, 'guest');
}

describe.skipIf(missing !== undefined)(
  `between SQLite and PostgreSQL${missing ? ` (${missing})` : ''}`,
  () => {
    test('all tables go there and back, with the same digests, and both stores read the same', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-transfer-'));
      const { url, file, sqlite, postgres } = await makePlaces(folder.path);
      await using store = await openStore({ path: file });
      await fill(store, namesInOrder);
      await (await openPostgresStore({ url })).close();

      const there = await copy(sqlite, postgres);
      expect(there.find(({ table }) => table === 'entities')).toMatchObject({
        rows: 14,
        written: 14,
        removed: 0,
      });
      await using moved = await openPostgresStore({ url });
      const seen = async ({ namespaces, entities, activations, violations, ...other }: Store) => ({
        namespaces: await namespaces.list(),
        entities: await entities.list({ ...all, collection: 'actions' }),
        activations: await activations.list(all),
        violations: await violations.list({ skip: 0, limit: 10 }),
        holdings: await other.holdings.get('guest'),
        accepted: await other.accepted.pending(10),
        forwardingErrors: await other.forwardingErrors.get('guest'),
      });
      expect(await seen(moved)).toEqual(await seen(store));
      // The number of the next row continues after those that came along.
      const violation = {
        namespace: 'guest',
        at: 2,
        kind: 'c',
        detail: '',
        action: null,
        activationId: null,
      };
      await moved.violations.add(violation);
      expect((await moved.violations.list({ skip: 0, limit: 1 }))[0]).toMatchObject({ kind: 'c' });
      await expect(moved.feeds.put(feedRow('other', { token: 'one' }), null)).rejects.toMatchObject({
        code: 'STORE_DUPLICATE',
      });

      const back = { engine: 'sqlite', file: join(folder.path, 'back.db') } as const;
      await (await openStore({ path: back.file })).close();
      const returned = await copy(postgres, back);
      const digests = (results: typeof there) =>
        results.filter(({ table }) => table !== 'violations' && table !== 'keys').map(({ digest }) => digest);
      expect(digests(returned)).toEqual(digests(there));
      await using again = await openStore({ path: back.file });
      expect(await seen(again)).toEqual(await seen(moved));
    });

    test('a second run writes only what differs, and removes what is gone', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-transfer-'));
      const { url, file, sqlite, postgres } = await makePlaces(folder.path);
      await using store = await openStore({ path: file });
      const names = Array.from({ length: 80 }, (_, index) => `a${index}`);
      await fill(store, names);
      await (await openPostgresStore({ url })).close();

      // The first run is interrupted on its way.
      const stop = new AbortController();
      const onStep = ({ table, rows }: TransferStep) => {
        if (table === 'activations' && rows === 50) stop.abort();
      };
      await expect(copy(sqlite, postgres, { signal: stop.signal, onStep })).rejects.toThrow('aborted');
      const results = await copy(sqlite, postgres);
      const written = (table: string) => results.find((each) => each.table === table)?.written ?? 0;
      expect(written('entities')).toBe(0);
      expect(written('activations')).toBeGreaterThan(0);
      expect(written('activations')).toBeLessThan(80);

      await store.namespaces.delete('Ädler');
      const [first] = await store.activations.list(all);
      await store.activations.append(write(activationRow({ name: 'new' })));
      const changed = await copy(sqlite, postgres);
      expect(changed.filter(({ written, removed }) => written + removed > 0)).toMatchObject([
        { table: 'namespaces', removed: 1 },
        { table: 'activations', written: 1, removed: 0 },
        { table: 'activation_counts', written: 1 },
        { table: 'unsealed_entries', written: 1, removed: 0 },
        { table: 'usage_days', written: 1, removed: 0 },
        // A slot of each length.
        { table: 'usage_slots', written: 3 },
      ]);
      expect(first).toBeDefined();
    });

    test('a second run takes over what has changed in namespaces, and the ids of their keys', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-transfer-'));
      const { url, file, sqlite, postgres } = await makePlaces(folder.path);
      await using store = await openStore({ path: file });
      await fill(store, []);
      const rowOf = async (name: string) => (await store.namespaces.byName(name)) ?? namespaceRow(name);
      const [guest, other] = [await rowOf('guest'), await rowOf('Ädler')];
      await (await openPostgresStore({ url })).close();
      await copy(sqlite, postgres);

      await store.namespaces.update({ ...guest, limits: { concurrent: 9 } }, guest);
      await store.namespaces.putSettings('guest', { inputs: false }, guest.settings);
      const { keyId, keyHash } = keyRow();
      await store.namespaces.update({ ...other, keyId, keyHash }, other);
      // It comes before the one that had the id, and is one more row than the last run has copied.
      await store.namespaces.create({ ...namespaceRow('Aal'), keyId: other.keyId });
      using db = openSqlite(file);
      db.exec(`update keys set label = 'another'`);
      const changed = await copy(sqlite, postgres);
      expect(changed.slice(0, 2)).toMatchObject([{ written: 3 }, { written: 1 }]);

      await using moved = await openPostgresStore({ url });
      expect(await moved.namespaces.list()).toEqual(await store.namespaces.list());
      expect(await moved.keys.list('guest')).toMatchObject([{ label: 'another' }]);
      await expect(moved.keys.create(keyRow({ keyId }))).rejects.toMatchObject({ code: 'STORE_DUPLICATE' });
      await moved.namespaces.delete('Aal');
      await moved.keys.create(keyRow({ keyId: other.keyId }));
    });

    test('shows one moment of the source, whatever is written meanwhile', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-transfer-'));
      const { url, file, sqlite, postgres } = await makePlaces(folder.path);
      await using store = await openStore({ path: file });
      await fill(store, namesInOrder);
      await (await openPostgresStore({ url })).close();
      let writing: Promise<unknown> | undefined;
      const onStep = ({ table }: TransferStep) => {
        if (table === 'keys') writing ??= store.activations.append(write(activationRow({ name: 'late' })));
      };
      const results = await copy(sqlite, postgres, { onStep });
      await writing;
      expect(writing).toBeDefined();
      expect(results.find(({ table }) => table === 'activations')).toMatchObject({ rows: 14 });
      expect(await store.activations.list(all)).toHaveLength(15);
    });

    test('rows that are not there as they were sent are reported', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-transfer-'));
      const { url, file, sqlite, postgres } = await makePlaces(folder.path);
      await using store = await openStore({ path: file });
      await fill(store, namesInOrder);
      await (await openPostgresStore({ url })).close();
      const db = new Kysely<unknown>({ dialect: postgresDialect(openPool({ url })) });
      for (const statement of [
        sql`create function spoil() returns trigger language plpgsql
          as 'begin new.detail := new.detail || chr(63); return new; end'`,
        sql`create trigger spoil before insert on violations for each row execute function spoil()`,
      ])
        await statement.execute(db);
      await db.destroy();
      await expect(copy(sqlite, postgres)).rejects.toMatchObject({
        code: 'STORE_TRANSFER_FAILED',
        message: expect.stringContaining('violations'),
      });
    });

    /** Copies a table to which rows are only ever added. Resolves to what the target then has. */
    const copyAudit = async (source: string, target: string) => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-transfer-'));
      const [from, to] = ['from.db', 'to.db'].map((name) => join(folder.path, name)) as [string, string];
      for (const [file, rows] of [
        [from, source],
        [to, target],
      ] as const) {
        using db = openSqlite(file);
        db.exec('create table audit (seq integer primary key, entry text, hash text)');
        db.exec('create table audit_cut (one integer primary key, seq integer, hash text)');
        db.exec(rows);
      }
      const failure = await transferTables({
        from: { engine: 'sqlite', file: from },
        to: { engine: 'sqlite', file: to },
        tables: [{ name: 'audit_cut' }, { name: 'audit', isAppendOnly: true, cut: 'audit_cut' }],
        signal: new AbortController().signal,
        onStep: () => {},
      }).then(
        () => undefined,
        (error: unknown) => error,
      );
      using db = openSqlite(to);
      return {
        failure,
        rows: db
          .prepare('select entry from audit')
          .all()
          .map(({ entry }) => entry),
      };
    };
    const row = (seq: number, entry: string) => `insert into audit values (${seq}, '${entry}', '#${entry}');`;
    const cut = (seq: number, entry: string) => `insert into audit_cut values (1, ${seq}, '#${entry}');`;
    const copied = row(1, 'a') + row(2, 'b') + row(3, 'c');

    test.each([
      ['has another entry', row(1, 'a'), row(1, 'b')],
      ['has entries that the source lacks', row(1, 'a'), copied],
      ['has entries beyond the cut that the source lacks', cut(2, 'b'), copied],
      ['has another entry at the cut', cut(2, 'b') + row(3, 'c'), row(1, 'x') + row(2, 'y') + row(3, 'c')],
      ['has another entry beyond the cut', cut(1, 'a') + row(2, 'b'), row(2, 'x')],
    ])('rows that are only ever added are not changed: the target %s', async (_, source, target) => {
      const { failure, rows } = await copyAudit(source, target);
      expect(failure).toMatchObject({
        code: 'STORE_TRANSFER_FAILED',
        message: expect.stringContaining('another history'),
      });
      expect(rows).toHaveLength(target.split(';').length - 1);
    });

    test.each([
      ['all of them', copied],
      ['a part of them, after an interruption', row(2, 'b') + row(3, 'c')],
      ['only those, after an early interruption', row(1, 'a')],
      ['none', ''],
    ])('rows up to the cut of the source leave the target: it has %s', async (_, target) => {
      const { failure, rows } = await copyAudit(cut(2, 'b') + row(3, 'c') + row(4, 'd'), target);
      expect([failure, rows]).toEqual([undefined, ['c', 'd']]);
    });

    test('every table of the store is copied, or named as left behind', async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-transfer-'));
      const { url } = await makePlaces(folder.path);
      await (await openPostgresStore({ url })).close();
      const db = new Kysely<unknown>({ dialect: postgresDialect(openPool({ url })) });
      const tables = await db.introspection.getTables();
      await db.destroy();
      const names = tables.map(({ name }) => name).filter((name) => !name.startsWith('kysely_'));
      expect(names.toSorted()).toEqual([...stateTables.map(({ name }) => name), ...leftBehind].toSorted());
    });
  },
);
