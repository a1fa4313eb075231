/**
 * The order in which transactions lock rows: none waits for a row while it holds one that another locks first. And what
 * one that waited makes of the row.
 */
import { expect, test } from 'vitest';
import { accept, apiRow, deliveryRow, entityRow, feedRow, namespaceRow } from '../../suite/context.ts';
import type { EntityRow } from '../../types/entities.ts';
import type { Store } from '../../types/store.ts';
import { transactionOn } from '../databases.fixture.ts';
import { openPostgresStore } from '../open.ts';

type Other = Awaited<ReturnType<typeof transactionOn>>;

/** @param newUrl of a migrated database without rows */
export function postgresLockTests(newUrl: () => Promise<string>): void {
  /** A store with two namespaces, and another transaction. */
  const open = async (run: (store: Store, other: Other, url: string) => Promise<void>) => {
    const url = await newUrl();
    await using store = await openPostgresStore({ url });
    for (const name of ['guest', 'other']) await store.namespaces.create(namespaceRow(name));
    await using other = await transactionOn(url);
    await run(store, other, url);
  };
  /** While the other transaction has done `first`, `work` must wait without a lock on the row that `free` selects. */
  const waitsWithout = async (other: Other, first: string, free: string, work: () => Promise<unknown>) => {
    await other.query(first);
    const done = work();
    await other.untilWaiting(1);
    await other.query(`select ${free} for update nowait`);
    await other.query('rollback');
    await done;
    await other.query('begin');
  };
  const guestFirst = "update holdings set entity_bytes = entity_bytes where namespace = 'guest'";

  test('a deletion locks the holdings of its namespace before its row', () =>
    open(async (store, other) => {
      const row = entityRow('a');
      const tree = entityRow('p', { collection: 'packages' });
      for (const each of [row, tree]) await store.entities.put(each, null);
      await store.apis.put(apiRow('/a'), null);
      const deletions = [
        ["from entities where path = 'a'", () => store.entities.delete('guest', 'a', row.revision)],
        ["from entities where path = 'p'", () => store.entities.deleteTree('guest', 'p', tree.revision)],
        ['from apis', () => store.apis.delete('guest', '/a')],
        ["from namespaces where name = 'guest'", () => store.namespaces.delete('guest')],
      ] as const;
      for (const [free, work] of deletions) await waitsWithout(other, guestFirst, free, work);
      expect((await store.namespaces.list()).map(({ name }) => name)).toEqual(['other']);
    }));

  test('a batch locks the holdings of its namespaces in the order of their names', () =>
    open(async (store, other) => {
      const free = "from holdings where namespace = 'other'";
      const work = () =>
        Promise.all([
          store.deliveries.add(deliveryRow({ namespace: 'other' })),
          store.feeds.put(feedRow('t'), null),
        ]);
      await waitsWithout(other, guestFirst, free, work);
      expect(await store.feeds.count('guest')).toBe(1);
    }));

  test('a node adopts the calls that no other transaction changes, and does not wait for it', () =>
    open(async (store, other) => {
      const [first, second] = [await accept(store, 'guest'), await accept(store, 'guest')];
      const adopt = async () => (await store.accepted.adopt('b', 10)).map((row) => row.activationId);
      await other.query(`delete from accepted where activation_id = '${first}'`);
      expect(await adopt()).toEqual([second]);
      await other.query('rollback');
      expect(await adopt()).toEqual([first]);
    }));

  test('a node that repeats its join while it is removed stays removed', () =>
    open(async (store, other) => {
      const lifeMs = 3_600_000;
      const joining = { token: 't', name: 'one', role: 'invoker', key: 'k', lifeMs };
      await store.members.addToken({ key: 't', role: 'invoker', name: null, uses: 2, lifeMs });
      await store.members.join(joining);
      await other.query("select from join_tokens where key = 't' for update");
      const removing = store.members.remove('one');
      await other.untilWaiting(1);
      // It still finds the token, and waits for the row of the node.
      const again = store.members.join(joining);
      await other.untilWaiting(2);
      await other.query('rollback');
      expect(await removing).toMatchObject([{ key: 't', used: 1 }]);
      expect(await again).toBeUndefined();
      expect((await store.members.get('one'))?.removedAt).toBeTypeOf('number');
    }));

  test.each(['repeatable read', 'serializable'])(
    'a database whose default is %s is used as any other',
    (level) =>
      open(async (_, other, url) => {
        await other.query(`rollback; do $$ begin
        execute format('alter database %I set default_transaction_isolation = %L', current_database(), '${level}'); end $$`);
        await using store = await openPostgresStore({ url });
        const rows = Array.from({ length: 30 }, (_each, at) => entityRow(`a${at}`));
        const puts = await Promise.allSettled(rows.map((row) => store.entities.put(row, null)));
        expect(puts.filter(({ status }) => status === 'rejected')).toEqual([]);
      }),
  );

  test.each([
    ['40001', 4],
    ['40P01', 4],
    ['40001', 5],
    ['22000', 1],
  ])('a transaction that fails with %s %i times', (code, times) =>
    open(async (store, other) => {
      await other.query(`rollback; create sequence tries; create function fail() returns trigger language plpgsql as $$ begin
        if nextval('tries') <= ${times} then raise exception 'no' using errcode = '${code}'; end if;
        return null; end $$;
        create trigger failing after insert on entities for each row execute function fail()`);
      const put = store.entities.put(entityRow('a'), null).catch((error) => error.code);
      const outcome = times === 5 ? 'STORE_LOCKED' : code === '22000' ? 'STORE_FAILED' : true;
      expect(await put).toBe(outcome);
      expect(await other.query('select last_value as tries from tries')).toEqual([
        { tries: times === 4 ? '5' : `${times}` },
      ]);
    }),
  );

  test.each<[what: string, work: (store: Store, row: EntityRow) => Promise<unknown>]>([
    [
      'a new code of an action',
      (store, row) => putCode(store, { ...row, codeDigest: 'a', revision: 'new' }, row.revision),
    ],
    ['a deletion of a package', (store) => store.entities.deleteTree('guest', 'p', 'of p')],
    ['a deletion of a namespace', (store) => store.namespaces.delete('guest')],
  ])('%s locks the code that it names or leaves in the order of the digests', (_, work) =>
    open(async (store, other) => {
      await putCode(store, entityRow('p', { collection: 'packages', revision: 'of p' }));
      // PostgreSQL sorts a few of them anyway.
      const rows = [...'hgfedcba'].map((digest) => entityRow(`p/${digest}`, { codeDigest: digest }));
      for (const each of rows) await putCode(store, each);
      const row = rows.find(({ codeDigest }) => codeDigest === 'b');
      if (row === undefined) throw new Error('no row');
      const first = "delete from code_blobs where digest = 'a'";
      await waitsWithout(other, first, "from code_blobs where digest > 'a'", () => work(store, row));
    }),
  );
}

function putCode(store: Store, row: EntityRow, expected: string | null = null): Promise<boolean> {
  const code = row.codeDigest === null ? undefined : { digest: row.codeDigest, bytes: 1 };
  return store.entities.put(row, expected, { maxBytes: 1e9, code });
}
