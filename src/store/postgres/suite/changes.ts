/** Changes in PostgreSQL, whose sequences are not in the order of the commits. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { entityRow, namespaceRow } from '../../suite/context.ts';
import type { Change } from '../../types/changes.ts';
import type { Store } from '../../types/store.ts';
import { openPostgresStore } from '../open.ts';
import { type Connection, openPool } from '../pool.ts';

export interface PostgresBench {
  /** A migrated database without rows. */
  newUrl(): Promise<string>;
  admin(sql: string): Promise<void>;
}

const action = (path: string, namespace = 'guest'): Change => ({ kind: 'actions', namespace, path });
/** In another namespace: writes in one namespace wait for each other. */
const other = (path: string) => entityRow(path, { namespace: 'other' });

export function postgresChangeTests({ newUrl, admin }: PostgresBench): void {
  /** A store with a namespace, and a connection for statements by hand. */
  const open = async (run: (store: Store, hand: Connection) => Promise<void>) => {
    const url = await newUrl();
    await using store = await openPostgresStore({ url });
    for (const name of ['guest', 'other']) await store.namespaces.create(namespaceRow(name));
    const pool = openPool({ url });
    const hand = await pool.connect();
    try {
      await run(store, hand);
    } finally {
      hand.release(true);
      await pool.close();
    }
  };

  test.each(['', 'savepoint unit'])('one that commits after a later number is told, not lost (%s)', (first) =>
    open(async (store, hand) => {
      const start = await store.changes.since();
      await hand.raw('begin');
      if (first !== '') await hand.raw(first);
      await hand.raw(insertOf('early'));
      await store.entities.put(other('late'), null);
      const between = await store.changes.since(start.position);
      // It waits for no transaction that is still open.
      expect(between.changes).toEqual([action('late', 'other')]);
      await hand.raw('commit');
      const { rows } = await hand.raw(`select path from changes where kind = 'actions' order by seq`);
      expect(rows).toEqual([{ path: 'early' }, { path: 'late' }]);
      const after = await store.changes.since(between.position);
      expect(after.changes).toEqual([action('early')]);
      expect((await store.changes.since(after.position)).changes).toEqual([]);
    }),
  );

  test('one that is rolled back is never told', () =>
    open(async (store, hand) => {
      const { position } = await store.changes.since();
      await hand.raw('begin');
      await hand.raw(insertOf('never'));
      await hand.raw('rollback');
      expect((await store.changes.since(position)).changes).toEqual([]);
    }));

  test('a reader is told of a deletion if a transaction was open at its last look', () =>
    open(async (store, hand) => {
      const { position } = await store.changes.since();
      await store.entities.put(other('a'), null);
      const seen = await store.changes.since(position);
      await hand.raw('begin');
      await hand.raw(insertOf('open'));
      await store.entities.put(other('b'), null);
      const meanwhile = await store.changes.since(seen.position);
      await hand.raw('commit');
      await store.changes.prune(-1000);
      expect((await store.changes.since(meanwhile.position)).changes).toBeUndefined();
    }));

  test('after the server ended a connection, everything can have changed', () =>
    open(async (store, hand) => {
      const { position } = await store.changes.since();
      const { rows } = await hand.raw('select pg_backend_pid() as hand, current_database() as name');
      const [{ name, hand: own }] = z.tuple([z.object({ name: z.string(), hand: z.number() })]).parse(rows);
      const others = `datname = '${name}' and pid <> ${own}`;
      await admin(`select pg_terminate_backend(pid) from pg_stat_activity where ${others}`);
      // An ended connection of the pool fails the first statement on it.
      const told = () =>
        store.changes.since(position).then(
          ({ changes }) => changes ?? 'everything',
          () => 'nothing',
        );
      await expect.poll(told).toBe('everything');
    }));

  test('after the server ended a connection in the middle of a statement, everything can have changed', () =>
    open(async (store, hand) => {
      const { position } = await store.changes.since();
      await hand.raw('set idle_in_transaction_session_timeout = 0');
      await hand.raw('begin');
      await hand.raw('lock table changes in access exclusive mode');
      const look = store.changes.since(position);
      look.catch(() => {});
      const ofWaiting = `pg_terminate_backend(pid) from pg_locks where not granted and relation = 'changes'::regclass`;
      const end = async () => (await hand.raw(`select ${ofWaiting}`)).rowCount;
      await expect.poll(end).toBe(1);
      await expect(look).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
      await hand.raw('rollback');
      expect((await store.changes.since(position)).changes).toBeUndefined();
    }));

  test('after a standby took over, everything can have changed', () =>
    open(async (store) => {
      const { position } = await store.changes.since();
      expect((await store.changes.since(position)).changes).toEqual([]);
      const [run = '', snapshot = ''] = position.split(' ');
      const promoted = `00000099${run.slice(8)} ${snapshot}`;
      expect(run.slice(0, 8)).toBe('00000001');
      expect((await store.changes.since(promoted)).changes).toBeUndefined();
    }));
}

function insertOf(path: string): string {
  return `insert into entities (namespace, path, package, collection, revision, updated_at, document)
    values ('guest', '${path}', '', 'actions', 'r', 1, '{}')`;
}
