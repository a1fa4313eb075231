/**
 * A database full of activation records. Bypasses the store to be fast: writes all in one transaction and makes the
 * indexes at the end.
 */
import { randomFillSync } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { openStore, type Store } from '../src/store/index.ts';

/** Records start `interval` milliseconds apart, from `firstStart` on. */
export const firstStart = 1_700_000_000_000;
export const interval = 100;

/** The namespace of all records. */
export const guest = {
  ...{ name: 'guest', keyId: 'bench', keyHash: '', limits: {}, settings: {} },
  createdAt: firstStart,
};

/** Seven actions take turns; every 61st call is of this one instead. */
export const seldomAction = 'seldom';
const seldom = 61;

/** Number of oldest records whose ids are spread over the index of ids, as those of real records are. */
export function spreadOf(records: number): number {
  return Math.floor(records / 50);
}

/** Makes a database with `records` records of the namespace `guest`, and opens it. */
export async function openFilledStore(path: string, records: number): Promise<Store> {
  const store = await openStore({ path });
  await store.namespaces.create(guest);
  await store.close();
  fill(path, records);
  return openStore({ path });
}

function fill(path: string, records: number): void {
  // A crash may ruin this file: it needs no journal (which the defensive mode would keep) and no waiting for the disk.
  using database = new DatabaseSync(path, { defensive: false });
  database.exec(`
    pragma journal_mode = off;
    pragma synchronous = off;
    pragma cache_size = -400000;
  `);
  const indexes = database
    .prepare(
      `select name, sql from sqlite_schema where tbl_name = 'activations' and type = 'index' and sql > ''`,
    )
    .all();
  for (const { name } of indexes) database.exec(`drop index ${name}`);
  const insert = database.prepare('insert into activations values (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  database.exec('begin');
  for (let index = 0; index < records; index++) insert.run(...recordOf(index, records));
  database.prepare('update activation_counts set total = ?').run(records);
  for (const { sql } of indexes) database.exec(String(sql));
  database.exec('commit');
}

/** A record as Ward writes it: about 700 bytes of document and response. */
function recordOf(index: number, records: number) {
  const id = idOf(index, records);
  const name = index % seldom === 0 ? seldomAction : `action-${index % 7}`;
  const path = index % 5 === 0 ? `shop/${name}` : name;
  const start = firstStart + index * interval;
  const document =
    `{"activationId":"${id}","namespace":"guest","name":"${name}","version":"0.0.1","publish":false,` +
    `"subject":"guest","start":${start},"end":${start + 12},"duration":12,"annotations":[` +
    `{"key":"path","value":"guest/${path}"},{"key":"waitTime","value":1},{"key":"kind","value":"nodejs:24"},` +
    `{"key":"timeout","value":false},{"key":"limits","value":{"concurrency":1,"logs":10,"memory":256,` +
    `"timeout":60000}},{"key":"initTime","value":21}]}`;
  const response =
    `{"status":"success","success":true,"result":{"greeting":"Hello, customer ${index}","items":[1,2,3,4,5,6,7,8],` +
    `"text":"${'lorem ipsum '.repeat(8)}"},"size":181}`;
  return [id, 'guest', name, path, start, start + 12, 0, document, response] as const;
}

const pool = Buffer.alloc(16 * 4096);

/**
 * Ids ascend, since an index of random ids takes too long to build and no list reads it. Only the oldest are random,
 * because pruning reads the index.
 */
function idOf(index: number, records: number): string {
  const at = (index % 4096) * 16;
  if (at === 0) randomFillSync(pool);
  const random = pool.toString('hex', at, at + 16);
  if (index < spreadOf(records)) return random;
  return (
    Math.floor((index / records) * 2 ** 32)
      .toString(16)
      .padStart(8, '0') + random.slice(8)
  );
}
