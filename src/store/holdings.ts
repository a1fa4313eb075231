/** Holdings of namespaces, read from counters; and writes that must stay within a quota. */
import type { Kysely } from 'kysely';
import { isFault } from '../lib/index.ts';
import { storeFault } from './faults.ts';
import { inTransaction } from './noted.ts';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { HeldCode, HoldingStore, WriteBound } from './types/holdings.ts';

export function holdingStore(db: Kysely<Schema>): HoldingStore {
  return {
    async get(namespace) {
      const [held, count] = await Promise.all([
        db.selectFrom('holdings').selectAll().where('namespace', '=', namespace).executeTakeFirst(),
        db.selectFrom('activation_counts').selectAll().where('namespace', '=', namespace).executeTakeFirst(),
      ]);
      if (held === undefined || count === undefined) return undefined;
      const { entity_bytes: entityBytes, code_bytes: codeBytes } = held;
      return { entityBytes, codeBytes, records: count.total, recordBytes: count.bytes };
    },
    async unmeasuredCode() {
      const rows = await db
        .selectFrom('entities')
        .leftJoin('code_blobs', 'code_blobs.digest', 'entities.code_digest')
        .where('entities.code_digest', 'is not', null)
        .where('code_blobs.digest', 'is', null)
        .select('entities.code_digest')
        .distinct()
        .execute();
      return rows.flatMap(({ code_digest: digest }) => (digest === null ? [] : [digest]));
    },
    measureCode: (code) => measureCode(db, code),
  };
}

/**
 * Runs `write` in a transaction, if its namespace then holds no more than the bound, or no more than before. When that
 * fails, it runs it once more, without the earlier code of the namespace.
 * @param write its `isTight`: it must keep no earlier code
 * @throws Fault STORE_QUOTA, with nothing written or removed
 */
export async function withinBound(
  db: Kysely<Schema>,
  words: SqlWords,
  namespace: string,
  bound: WriteBound | undefined,
  write: (db: Kysely<Schema>, isTight: boolean) => Promise<boolean>,
): Promise<boolean> {
  try {
    return await tryWithinBound(db, namespace, bound, (inside) => write(inside, false));
  } catch (error) {
    if (!isFault(error, 'STORE_QUOTA')) throw error;
  }
  return tryWithinBound(db, namespace, bound, async (inside) => {
    await forgetEarlier(inside, words, namespace);
    return write(inside, true);
  });
}

function tryWithinBound(
  db: Kysely<Schema>,
  namespace: string,
  bound: WriteBound | undefined,
  write: (db: Kysely<Schema>) => Promise<boolean>,
): Promise<boolean> {
  return inTransaction(db, async (inside) => {
    const before = await lockHeldBytes(inside, namespace);
    if (bound === undefined) return write(inside);
    if (!(await write(inside))) return false;
    if (bound.code !== undefined) await measureCode(inside, bound.code);
    const after = await heldBytes(inside, namespace);
    if (after <= bound.maxBytes || after <= before) return true;
    throw storeFault('STORE_QUOTA', `${namespace} would hold ${after} of ${bound.maxBytes} bytes`, {
      details: { used: before, needed: after },
    });
  });
}

/** Removes the earlier code of all actions of a namespace. Nothing names it then, so it is swept. */
async function forgetEarlier(db: Kysely<Schema>, words: SqlWords, namespace: string): Promise<void> {
  const rows = await db
    .selectFrom('earlier_code')
    .select('digest')
    .where('namespace', '=', namespace)
    .execute();
  await lockCode(
    db,
    words,
    rows.map(({ digest }) => digest),
  );
  await db.deleteFrom('earlier_code').where('namespace', '=', namespace).execute();
}

async function measureCode(db: Kysely<Schema>, code: HeldCode): Promise<void> {
  await db
    .insertInto('code_blobs')
    .values({ digest: code.digest, bytes: code.bytes })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .execute();
}

/**
 * Reads the current value; no other transaction changes it before this one ends. Each change of a row that counts
 * changes it, too. So a transaction that changes such rows calls this first, then `lockCode`: otherwise two of them
 * that began with different rows would wait for each other.
 */
export async function lockHeldBytes(db: Kysely<Schema>, namespace: string): Promise<number> {
  const row = await db
    .updateTable('holdings')
    .set(({ ref }) => ({ entity_bytes: ref('entity_bytes') }))
    .where('namespace', '=', namespace)
    .returning(['entity_bytes', 'code_bytes'])
    .executeTakeFirst();
  return row === undefined ? 0 : row.entity_bytes + row.code_bytes;
}

/** Locks what is known of the code that a transaction names or leaves, in a fixed order. */
export async function lockCode(
  db: Kysely<Schema>,
  { listed, locked }: SqlWords,
  digests: readonly (string | null | undefined)[],
): Promise<void> {
  const all = [...new Set(digests.filter((digest) => typeof digest === 'string'))];
  // Without a second one, nothing can wait the other way round.
  if (all.length < 2) return;
  await db
    .selectFrom('code_blobs')
    .select('digest')
    .where('digest', 'in', listed(all))
    .orderBy('digest')
    .modifyEnd(locked)
    .execute();
}

async function heldBytes(db: Kysely<Schema>, namespace: string): Promise<number> {
  const row = await db
    .selectFrom('holdings')
    .where('namespace', '=', namespace)
    .select(['entity_bytes', 'code_bytes'])
    .executeTakeFirst();
  return row === undefined ? 0 : row.entity_bytes + row.code_bytes;
}
