/** The gate's store in PostgreSQL, on a private server. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../src/blobs/index.ts';
import { noon, reportOf } from '../src/gate/reports.fixture.ts';
import {
  digest,
  draft,
  type GateStorePlace,
  gateStoreSuite,
  verdictAt,
} from '../src/gate/store/gate-store.suite.ts';
import { openGateStore } from '../src/gate/store/gate-store.ts';
import { databaseOn } from '../src/gate/store/postgres/batch.ts';
import { openPostgresGateStore } from '../src/gate/store/postgres/open.ts';
import { gateTables } from '../src/gate/store/tables.ts';
import { transferTables } from '../src/store/index.ts';
import { copiesOf, newDatabase, transactionOn } from '../src/store/postgres/databases.fixture.ts';
import { openPostgresStore } from '../src/store/postgres/open.ts';
import { openPool } from '../src/store/postgres/pool.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';

const missing = await missingForPostgres();
const server = missing === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());
const writer = fileURLToPath(new URL('../src/gate/store/append-forever.fixture.ts', import.meta.url));

const newGateDatabase = (settings?: string) => newDatabase(server, settings);

describe.skipIf(missing !== undefined)(`PostgreSQL${missing ? ` (${missing})` : ''}`, () => {
  const migratedDatabase = copiesOf(server, async (url) => {
    await openPostgresGateStore({ url }).then((store) => store.close());
  });

  gateStoreSuite('the gate’s store', async (): Promise<GateStorePlace> => {
    const { name, url } = await migratedDatabase();
    return {
      open: () => openPostgresGateStore({ url }),
      writer: [process.execPath, writer, url],
      dispose: async () => server?.admin(`drop database ${name} with (force)`),
    };
  });

  describe('two stores on one database', () => {
    let url: string;
    beforeEach(async () => {
      ({ url } = await migratedDatabase());
    });

    test('append to the audit log in one order, which a lock keeps and not the key of its table', async () => {
      await using one = await openPostgresGateStore({ url });
      await using two = await openPostgresGateStore({ url });
      await using other = await transactionOn(url);
      await server?.admin('alter table gate.audit drop constraint audit_pkey', url);
      await other.query('select * from gate.audit_head for update');
      const written = [one, two].map((store, at) => store.write({ audit: [draft(`${at}`)] }));
      await other.untilWaiting(2);
      await other.query('commit');
      await Promise.all(written);
      expect(await one.verifyAudit()).toMatchObject({ isIntact: true, entries: 2 });
      const many = Array.from({ length: 50 }, async (_, at) => {
        for (const store of at % 2 === 0 ? [one, two] : [two, one])
          await store.write({
            verdicts: [verdictAt(noon + at, `n${at % 7}`)],
            audit: [draft('x'), draft('y')],
          });
      });
      await Promise.all(many);
      expect(await two.verifyAudit()).toMatchObject({ isIntact: true, entries: 202 });
    });

    test('keep the newer verdict, whichever is written last', async () => {
      await using one = await openPostgresGateStore({ url });
      await using two = await openPostgresGateStore({ url });
      await one.write({ verdicts: [verdictAt(noon)] });
      await using other = await transactionOn(url);
      await other.query('select * from gate.verdicts for update');
      const newer = one.write({ verdicts: [verdictAt(noon + 2000)] });
      await other.untilWaiting(1);
      const older = two.write({ verdicts: [verdictAt(noon + 1000)] });
      await other.untilWaiting(2);
      await other.query('commit');
      await Promise.all([newer, older]);
      for (const store of [one, two]) {
        const kept = await store.verdict(digest, 'run', 'guest');
        expect(kept?.judgedAt).toBe(new Date(noon + 2000).toISOString());
      }
    });

    test('do not wait for each other forever, in whatever order they write', async () => {
      await using one = await openPostgresGateStore({ url });
      await using two = await openPostgresGateStore({ url });
      const names = Array.from({ length: 30 }, (_, at) => `n${at}`);
      const put = (store: typeof one, time: number, order: readonly string[]) =>
        order.map((name) => store.write({ verdicts: [verdictAt(time, name)], audit: [draft(name)] }));
      for (let round = 0; round < 5; round++) {
        const time = noon + round * 1000;
        await Promise.all([...put(one, time, names), ...put(two, time + 1, names.toReversed())]);
        const times = (await one.verdicts(digest)).map(({ judgedAt }) => judgedAt);
        expect(new Set(times)).toEqual(new Set([new Date(time + 1).toISOString()]));
      }
      expect(await two.verifyAudit()).toMatchObject({ isIntact: true, entries: 300 });
    });
  });

  test('reports that come together are written in the order of their digests', async () => {
    const { url } = await migratedDatabase();
    const database = databaseOn(openPool({ url }));
    const bytes = new Uint8Array();
    const row = { kind: 'code', name: 'n', scannedAt: '', head: '{}', inventory: bytes, findings: bytes };
    const put = (...digests: readonly string[]) =>
      database.answer(digests.map((each) => ({ name: 'putReport', args: [{ ...row, digest: each }] })));
    await put('a', 'b');
    await using other = await transactionOn(url);
    await other.query(`select from gate.reports where digest = 'a' for update`);
    const written = put('b', 'a');
    await other.untilWaiting(1);
    await other.query(`select from gate.reports where digest = 'b' for update nowait`);
    await other.query('commit');
    expect(await written).toEqual([{ value: undefined }, { value: undefined }]);
    await database.close();
  });

  test('of verdicts of one write, the newest is kept', async () => {
    await using store = await openPostgresGateStore(await migratedDatabase());
    await store.write({ verdicts: [verdictAt(noon), verdictAt(noon + 1), verdictAt(noon - 1)] });
    const kept = await store.verdict(digest, 'run', 'guest');
    expect(kept?.judgedAt).toBe(new Date(noon + 1).toISOString());
  });

  test('writes that come together share a commit', async () => {
    const { url } = await migratedDatabase();
    await using store = await openPostgresGateStore({ url });
    const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
    await Promise.all(names.map((name) => store.write({ audit: [draft(name)] })));
    await using other = await transactionOn(url);
    expect(await other.query('select distinct xmin::text from gate.audit')).toHaveLength(1);
  });

  test('a write whose connection ends is refused, and is nowhere', async () => {
    const { url } = await migratedDatabase();
    await using store = await openPostgresGateStore({ url });
    await using other = await transactionOn(url);
    await other.query('select * from gate.audit_head for update');
    const written = store.write({ verdicts: [verdictAt(noon)], audit: [draft('a')] });
    const refused = expect(written).rejects.toMatchObject({ code: 'GATE_STORE_UNWRITABLE', kind: 'busy' });
    await other.untilWaiting(1);
    await other.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
         where wait_event_type = 'Lock' and datname = current_database()`,
    );
    await refused;
    await other.query('commit');
    expect(await store.verdicts(digest)).toEqual([]);
    await store.write({ audit: [draft('b')] });
    expect(await store.verifyAudit()).toMatchObject({ isIntact: true, entries: 1 });
  });

  test.each([
    `update gate.audit set entry = ''`,
    'delete from gate.audit',
    'truncate gate.audit',
    'delete from gate.audit_head',
  ])('the audit log can’t be changed by mistake: %s', async (sql) => {
    const { url } = await migratedDatabase();
    await using store = await openPostgresGateStore({ url });
    await store.write({ audit: [draft('a')] });
    await expect(server?.admin(sql, url)).rejects.toThrow('append only');
  });

  test('a changed entry, and a missing head, are found', async () => {
    const { url } = await migratedDatabase();
    await using store = await openPostgresGateStore({ url });
    await store.write({ audit: [draft('a'), draft('b')] });
    await server?.admin('alter table gate.audit disable trigger all', url);
    await server?.admin('alter table gate.audit_head disable trigger all', url);
    await server?.admin(`update gate.audit set entry = replace(entry, 'ada', 'eve') where seq = 1`, url);
    expect((await store.verifyAudit()).problems).toContainEqual({ seq: 1, text: 'this entry was changed' });
    await server?.admin('delete from gate.audit_head', url);
    expect((await store.verifyAudit()).isIntact).toBe(false);
    await expect(store.write({ audit: [draft('c')] })).rejects.toMatchObject({ code: 'GATE_STORE_CORRUPT' });
  });

  test.each(['there', 'back'])(
    'what has left the audit log between two copies leaves the copy: %s',
    async (way) => {
      const { url } = await migratedDatabase();
      await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-gate-'));
      const file = join(folder.path, 'gate.db');
      await using inFile = await openGateStore({ path: file });
      await using inDatabase = await openPostgresGateStore({ url });
      const [sqlite, postgres] = [
        { store: inFile, place: { engine: 'sqlite', file } },
        { store: inDatabase, place: { engine: 'postgres', url, schema: 'gate' } },
      ] as const;
      const [source, target] = way === 'there' ? [sqlite, postgres] : [postgres, sqlite];
      const copyAudit = async () => {
        const { signal } = new AbortController();
        const places = { from: source.place, to: target.place };
        const results = await transferTables({ ...places, tables: gateTables, signal, onStep: () => {} });
        expect(await target.store.verifyAudit()).toEqual(await source.store.verifyAudit());
        return results.find(({ table }) => table === 'audit');
      };
      await source.store.write({ audit: Array.from({ length: 10 }, (_, at) => draft(`${at}`)) });
      expect(await copyAudit()).toMatchObject({ written: 10, removed: 0 });
      await source.store.cutAudit({ entries: 8, since: 0 });
      expect(await copyAudit()).toMatchObject({ rows: 8, written: 1, removed: 3 });
      await source.store.cutAudit({ entries: 5, since: 0 });
      expect(await copyAudit()).toMatchObject({ rows: 5, written: 1, removed: 4 });
      expect(await target.store.verifyAudit()).toMatchObject({ isIntact: true, entries: 12, problems: [] });
      await target.store.write({ audit: [draft('next')] });
      await expect(copyAudit()).rejects.toThrow('another history');
    },
  );

  test('an empty audit log is copied there and back, and goes on in the copy', async () => {
    const { url } = await migratedDatabase();
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-gate-'));
    const placeOf = (name: string) => ({ engine: 'sqlite', file: join(folder.path, name) }) as const;
    const [from, back] = [placeOf('from.db'), placeOf('back.db')];
    for (const { file: path } of [from, back]) await openGateStore({ path }).then((store) => store.close());
    const database = { engine: 'postgres', url, schema: 'gate' } as const;
    const { signal } = new AbortController();
    const copy = (places: Pick<Parameters<typeof transferTables>[0], 'from' | 'to'>) =>
      transferTables({ ...places, tables: gateTables, signal, onStep: () => {} });
    await copy({ from, to: database });
    await copy({ from: database, to: back });
    for (const open of [() => openPostgresGateStore({ url }), () => openGateStore({ path: back.file })]) {
      await using store = await open();
      expect(await store.verifyAudit()).toMatchObject({ isIntact: true, entries: 0 });
      await store.write({ audit: [draft('first')] });
      expect(await store.verifyAudit()).toMatchObject({ isIntact: true, entries: 1 });
    }
  });

  test('a NUL, which its texts can’t have, is replaced in names, and kept in verdicts', async () => {
    await using store = await openPostgresGateStore(await migratedDatabase());
    const report = reportOf();
    const target = { ...report.target, name: 'a\0b' };
    await store.putReport({ kind: 'image', digest }, { ...report, target });
    expect((await store.report(digest))?.report.target.name).toBe('a\0b');
    const verdict = { ...verdictAt(noon), stage: 'push', outcome: 'deny', policyRevision: 'a\0b' } as const;
    await store.write({ verdicts: [verdict] });
    expect(await store.verdict(digest, 'push', 'guest')).toEqual(verdict);
    expect(await store.refused(undefined, 9)).toMatchObject([{ digest, namespaces: ['guest'] }]);
  });

  test.each(['first', 'second'])(
    'has its tables beside those of the main store, opened %s',
    async (place) => {
      const { url } = await newGateDatabase();
      const openers = [() => openPostgresGateStore({ url }), () => openPostgresStore({ url })];
      for (const open of place === 'first' ? openers : openers.toReversed())
        for (let time = 0; time < 2; time++) await open().then((store) => store.close());
      await using main = await openPostgresStore({ url });
      await using gate = await openPostgresGateStore({ url });
      const { position } = await main.changes.since();
      const bytes = Buffer.from('form: 1');
      const file = { name: 'policy.yaml', bytes, digest: digestOf(bytes), before: null };
      await gate.write({ verdicts: [verdictAt(noon)], audit: [draft('a')], sharedFiles: [file] });
      await gate.write({ endedWaivers: ['none'] });
      expect((await main.changes.since(position)).changes).toEqual([
        { kind: 'gate', namespace: '', path: 'shared_files' },
      ]);
    },
  );

  test('several that open an empty database at once bring it up together', async () => {
    const { url } = await newGateDatabase();
    const stores = await Promise.all([1, 2, 3].map(() => openPostgresGateStore({ url })));
    await Promise.all(stores.map((store) => store.write({ audit: [draft('a')] })));
    expect(await stores[0]?.verifyAudit()).toMatchObject({ isIntact: true, entries: 3 });
    for (const store of stores) await store.close();
  });

  test('refuses a database of a newer Ward, and one of another order', async () => {
    const { url } = await migratedDatabase();
    await server?.admin(`insert into gate.migrations values ('9999-future', '2099-01-01')`, url);
    await expect(openPostgresGateStore({ url })).rejects.toMatchObject({ code: 'GATE_STORE_NEWER' });
    const unfit = await newGateDatabase(`template template0 locale_provider icu icu_locale 'en-US'`);
    await expect(openPostgresGateStore(unfit)).rejects.toMatchObject({
      code: 'GATE_STORE_FAILED',
      hint: expect.stringContaining(`encoding 'UTF8' locale 'C'`),
    });
  });
});

test('a server that is not there is reported, without its password', async () => {
  const opening = openPostgresGateStore({ url: 'postgres://ward:secret@localhost:1/ward' });
  await expect(opening).rejects.toMatchObject({
    code: 'GATE_STORE_UNREACHABLE',
    message: expect.not.stringContaining('secret'),
  });
});
