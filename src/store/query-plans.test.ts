/** A query stays fast among millions of rows if its plan uses an index and does not sort. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { groupWriter } from './group-writer.ts';
import { migrate, migrations } from './migrations/index.ts';
import { storeParts } from './parts.ts';
import type { Schema } from './schema.ts';
import { sqliteChanges } from './sqlite/changes.ts';
import { sqliteThreadDialect, sqliteWords } from './sqlite/dialect.ts';
import { type DatabaseThread, startDatabaseThread } from './sqlite/thread.ts';
import {
  accept,
  activationRow,
  deliveryRow,
  entityRow,
  feedRow,
  namespaceRow,
  write,
} from './suite/context.ts';
import { readAll } from './suite/reads.ts';

let folder: string;
let thread: DatabaseThread;
let queries: Set<string>;
let stores: ReturnType<typeof makeStores>;

function makeStores() {
  const watched: DatabaseThread = {
    ...{ batch: (units) => thread.batch(units), close: () => thread.close() },
    query(sql, values) {
      queries.add(sql);
      return thread.query(sql, values);
    },
  };
  const dialect = sqliteThreadDialect(watched);
  const db = new Kysely<Schema>({ dialect });
  const writer = groupWriter((units) => dialect.batch(units));
  return { db, changes: sqliteChanges(db), ...storeParts(db, writer, sqliteWords) };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-plans-'));
  thread = startDatabaseThread(join(folder, 'ward.db'));
  queries = new Set();
  stores = makeStores();
  await migrate(stores.db, migrations);
  await stores.namespaces.create(namespaceRow('guest'));
});
afterEach(async () => {
  await stores.db.destroy();
  await rm(folder, { recursive: true });
});

/** The statistics that SQLite would have of a large database, and would use for its plans. */
const statistics = [
  `('activations', 'activations_by_start', '5000000 5000000 1 1')`,
  `('activations', 'activations_by_path', '5000000 5000000 2000000 1 1')`,
  `('activations', 'activations_failed', '50000 50000 1 1')`,
  `('activations', 'sqlite_autoindex_activations_1', '5000000 1')`,
  `('activation_counts', 'sqlite_autoindex_activation_counts_1', '1 1')`,
  `('entities', 'entities_by_update', '1000 1000 300 1 1')`,
  `('entities', 'entities_by_package', '1000 1000 300 100 1 1')`,
  `('entities', 'entities_by_link', '300 300 300 3 1 1')`,
  `('entities', 'entities_shared', '10 10 10 1 1')`,
  `('entities', 'sqlite_autoindex_entities_1', '1000 1000 1')`,
  `('namespaces', 'sqlite_autoindex_namespaces_1', '1 1')`,
].join();

test.each([
  ['it has no statistics', ''],
  [
    'there are millions of rows',
    `analyze; delete from sqlite_stat1; insert into sqlite_stat1 values ${statistics};`,
  ],
])('no query scans a whole table or sorts, when %s', async (_, prepare) => {
  const rows = Array.from({ length: 21_000 }, () => activationRow({ path: 'a' }));
  await Promise.all(rows.map((row) => stores.activations.append(write(row))));
  await stores.entities.put(entityRow('a'), null);
  await stores.feeds.put(feedRow('t', { token: 'a', dueAt: 1 }), null);
  await stores.deliveries.add(deliveryRow());
  await accept({ accepted: stores.accepted }, 'guest');
  queries.clear();
  await readAll(stores);
  expect(queries.size).toBeGreaterThan(35);
  using changer = new DatabaseSync(join(folder, 'ward.db'));
  changer.exec(prepare);
  // A connection reads the statistics when it is opened.
  using planner = new DatabaseSync(join(folder, 'ward.db'));
  const slow = [...queries].flatMap((sql) =>
    planner
      .prepare(`explain query plan ${sql}`)
      .all()
      .map(({ detail }) => String(detail))
      .filter((detail) =>
        /^SCAN (?!accepted USING (?:COVERING )?INDEX|owners(?: USING INDEX sqlite_autoindex_namespaces_1)?$|page$|newest$|namespaces USING COVERING INDEX|CONSTANT ROW|json_each VIRTUAL TABLE)|TEMP B-TREE/.test(
          detail,
        ),
      )
      .map((detail) => `${detail}: ${sql}`),
  );
  expect(slow).toEqual([]);
});
