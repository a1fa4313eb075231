import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { CompiledQuery, type Generated, Kysely, sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Statement } from '../batch.ts';
import { sqliteThreadDialect } from './dialect.ts';
import { openSnapshot } from './snapshot.ts';
import { type DatabaseThread, startDatabaseThread } from './thread.ts';

interface Tables {
  t: { id: Generated<number>; text: string | null };
}

let folder: string;
let thread: DatabaseThread;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-thread-'));
  thread = startDatabaseThread(join(folder, 't.db'));
  await thread.query('create table t (id integer primary key, text text)', []);
});
afterEach(async () => {
  await thread.close();
  await rm(folder, { recursive: true });
});

const insert: Statement = { sql: 'insert into t values (?, ?)', arity: 2 };
const remove: Statement = { sql: 'delete from t where id = ?', arity: 1 };
const ids = async () => (await thread.query('select id from t order by id', [])).rows;

test('a step that changes nothing ends its unit, and keeps the earlier steps', async () => {
  const outcomes = await thread.batch([
    [
      { statement: insert, values: [1, 'a'] },
      { statement: remove, values: [9] },
      { statement: insert, values: [2, null] },
    ],
    [
      { statement: remove, values: [1] },
      { statement: insert, values: [3, 'c'] },
    ],
    [],
  ]);
  expect(outcomes).toEqual([1, 2, 0]);
  expect(await ids()).toEqual([{ id: 3 }]);
});

test('a transaction whose rollback failed is ended before the next one, and leaves nothing', async () => {
  const leave = async (id: number) => {
    await thread.query('begin immediate', []);
    await thread.query('insert into t values (?, null)', [id]);
  };
  await leave(1);
  expect(await thread.batch([[{ statement: insert, values: [2, 'b'] }]])).toEqual([1]);
  await leave(3);
  await leave(4);
  await thread.query('commit', []);
  expect(await ids()).toEqual([{ id: 2 }, { id: 4 }]);
});

test('a unit that fails leaves no changes, and does not affect the others', async () => {
  const outcomes = await thread.batch([
    [{ statement: insert, values: [1, 'a'] }],
    [
      { statement: insert, values: [2, 'b'] },
      { statement: insert, values: [1, 'again'] },
    ],
    [{ statement: insert, values: [3, 'c'] }],
  ]);
  expect(outcomes).toEqual([1, expect.objectContaining({ code: 'STORE_DUPLICATE' }), 1]);
  expect(await ids()).toEqual([{ id: 1 }, { id: 3 }]);
});

test('a tally is run once for each value, with the rows that stayed changed and their bytes', async () => {
  await thread.query('create table counts (text text, n integer, bytes integer)', []);
  const tally = { sql: 'insert into counts (n, bytes, text) values (?, ?, ?)', by: 1, rowBytes: 0 };
  const counted: Statement = { ...insert, tally, measured: [1] };
  const add = (id: number, text: string) => ({ statement: counted, values: [id, text] });
  const never: Statement = { sql: 'delete from t where text = ?', arity: 1, tally: { ...tally, by: 0 } };
  await thread.batch([
    [add(1, 'a')],
    [add(2, 'b'), add(3, 'a')],
    [{ statement: never, values: ['none'] }],
    [{ statement: remove, values: [9] }, add(4, 'a')],
    [add(5, 'a'), add(1, 'a')],
    [
      add(6, 'ü'),
      {
        statement: { ...insert, measured: [1] },
        values: [7, { pieces: [Uint8Array.from(Buffer.from('sechs')), Uint8Array.from(Buffer.from('ü'))] }],
      },
    ],
  ]);
  const counts = await thread.query('select text, n, bytes from counts order by text', []);
  expect(counts.rows).toEqual([
    { text: 'a', n: 2, bytes: 2 },
    { text: 'b', n: 1, bytes: 1 },
    { text: 'ü', n: 1, bytes: 9 },
  ]);
});

test('an invalid statement fails the batch, and changes nothing', async () => {
  const wrong: Statement = { sql: 'insert into nowhere values (?)', arity: 1 };
  const batch = thread.batch([
    [{ statement: insert, values: [1, 'a'] }],
    [{ statement: wrong, values: [1] }],
  ]);
  await expect(batch).rejects.toMatchObject({ code: 'STORE_FAILED' });
  expect(await ids()).toEqual([]);
});

test('other statements wait for an open transaction, and a failed one is undone', async () => {
  const dialect = sqliteThreadDialect(thread);
  const db = new Kysely<Tables>({ dialect });
  const order: string[] = [];
  const others: Promise<unknown>[] = [];
  const transaction = db.transaction().execute(async (inside) => {
    await inside.insertInto('t').values({ id: 1, text: 'a' }).execute();
    others.push(db.selectFrom('t').select('text').where('text', '=', 'a').execute());
    others.push(dialect.batch([[{ statement: insert, values: [1, 'b'] }]]));
    for (const other of others) other.then(() => order.push('other'), expect.fail);
    await sql`select 1`.execute(inside);
    order.push('transaction');
    throw new Error('undo it');
  });
  await expect(transaction).rejects.toThrow('undo it');
  expect(await Promise.all(others)).toEqual([[], [1]]);
  expect(order).toEqual(['transaction', 'other', 'other']);
});

test('transactions take turns', async () => {
  const db = new Kysely<Tables>({ dialect: sqliteThreadDialect(thread) });
  await db.insertInto('t').values({ id: 1, text: '0' }).execute();
  const increment = () =>
    db.transaction().execute(async (inside) => {
      const { text } = await inside.selectFrom('t').select('text').executeTakeFirstOrThrow();
      await inside
        .updateTable('t')
        .set({ text: String(Number(text) + 1) })
        .execute();
    });
  await Promise.all(Array.from({ length: 20 }, increment));
  expect(await db.selectFrom('t').select('text').execute()).toEqual([{ text: '20' }]);
});

test('statements do not wait for each other’s answers', async () => {
  const never = new Promise<never>(() => {});
  const asked: string[] = [];
  const busy: DatabaseThread = {
    query: (statement) => {
      asked.push(statement);
      return never;
    },
    batch: () => never,
    close: async () => {},
  };
  const db = new Kysely<Tables>({ dialect: sqliteThreadDialect(busy) });
  for (const id of [1, 2, 3]) void db.selectFrom('t').selectAll().where('id', '=', id).execute();
  await new Promise(setImmediate);
  expect(asked).toHaveLength(3);
});

test('statements that wait for a transaction run in the order of arrival', async () => {
  const db = new Kysely<Tables>({ dialect: sqliteThreadDialect(thread) });
  const all: Promise<unknown>[] = [];
  const write = (text: string) => db.insertInto('t').values({ text }).execute();
  await db.transaction().execute(async (inside) => {
    all.push(write('before'));
    all.push(db.transaction().execute((next) => next.insertInto('t').values({ text: 'next' }).execute()));
    all.push(write('after'));
    await sql`select 1`.execute(inside);
  });
  await Promise.all(all);
  const rows = await db.selectFrom('t').select('text').orderBy('id').execute();
  expect(rows.map(({ text }) => text)).toEqual(['before', 'next', 'after']);
});

test('a value that SQLite cannot bind is refused before it is sent', async () => {
  const db = new Kysely<Tables>({ dialect: sqliteThreadDialect(thread) });
  const query = db.executeQuery(CompiledQuery.raw('select ?', [{ an: 'object' }]));
  await expect(query).rejects.toMatchObject({ code: 'STORE_FAILED' });
});

test('waits for a lock of another process, then reports it', { timeout: 60_000 }, async () => {
  using other = new DatabaseSync(join(folder, 't.db'));
  other.exec('begin immediate');
  await expect(thread.query('insert into t values (1, null)', [])).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    kind: 'busy',
  });
  const waiting = thread.batch([[{ statement: insert, values: [2, 'b'] }]]);
  other.exec('rollback');
  expect(await waiting).toEqual([1]);
});

test('when the thread dies, pending and later calls say so', async () => {
  const dead = startDatabaseThread(join(folder, 'missing', 'x.db'));
  const outcomes = await Promise.allSettled([dead.query('select 1', []), dead.batch([])]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } });
  }
  await expect(dead.query('select 1', [])).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await dead.close();
});

test('a batch that finds the disk full changes nothing, and can be tried again with its long texts', async () => {
  const pages = async (pragma: string) => Object.values((await thread.query(pragma, [])).rows[0] ?? {})[0];
  await thread.query(`pragma max_page_count = ${Number(await pages('pragma page_count')) + 2}`, []);
  const text = (letter: string) => ({ pieces: [Uint8Array.from(Buffer.alloc(100_000, letter))] });
  const unit = (id: number, letter: string) => [
    {
      statement: { sql: 'insert into t (id, text) values (?, cast(? as text))', arity: 2 },
      values: [id, text(letter)],
    },
  ];
  const units = [unit(1, 'a'), unit(2, 'b')];
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(thread.batch(units)).rejects.toMatchObject({ code: 'STORE_FULL', kind: 'full' });
  }
  expect(await ids()).toEqual([]);
  await thread.query('pragma max_page_count = 100000', []);
  expect(await thread.batch(units)).toEqual([1, 1]);
  const { rows } = await thread.query('select substr(text, 1, 1) as letter, length(text) as n from t', []);
  expect(rows).toEqual([
    { letter: 'a', n: 100_000 },
    { letter: 'b', n: 100_000 },
  ]);
});

test('a close does not wait for readers, since no one could write meanwhile', async () => {
  const path = join(folder, 'u.db');
  const closing = startDatabaseThread(path);
  await closing.query('create table t (id integer primary key)', []);
  // The rows are not in the file yet, only in its log.
  using reader = openSnapshot(path);
  expect(reader?.all('select name from sqlite_schema')).toEqual([{ name: 't' }]);
  await closing.query('insert into t values (1)', []);
  const [closed, lockPatienceMs] = [closing.close(), 4000];
  const first = await Promise.race([
    closed.then(() => 'closed'),
    delay(lockPatienceMs, 'waits', { ref: false }),
  ]);
  expect(first).toBe('closed');
});
