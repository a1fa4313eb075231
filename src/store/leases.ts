/** Leases: one row for each name. Its token grows with each holder, and the row is never deleted. */
import { type Kysely, sql } from 'kysely';
import { acmeStore } from './acme.ts';
import { deliveryStore } from './deliveries.ts';
import { entityStore } from './entities.ts';
import { storeFault } from './faults.ts';
import { feedStore } from './feeds.ts';
import type { GroupWriter } from './group-writer.ts';
import { putSettings } from './namespaces.ts';
import { inTransaction } from './noted.ts';
import { pruneActivations } from './prune.ts';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import { statement, step } from './statements.ts';
import type { Lease, LeasedWrites, LeaseStore } from './types/leases.ts';

export function leaseStore(db: Kysely<Schema>, { now }: SqlWords): LeaseStore {
  const of = ({ name, token }: Lease) =>
    db.updateTable('leases').where('name', '=', name).where('token', '=', token);
  return {
    async take({ name, holder, ms }) {
      const taken = await db
        .insertInto('leases')
        .values({ name, holder, token: 1, until: sql<number>`${now} + ${ms}` })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet(({ ref, eb }) => ({
              holder: ref('excluded.holder'),
              token: eb('leases.token', '+', 1),
              until: ref('excluded.until'),
            }))
            .where('leases.until', '<=', now),
        )
        .returning('token')
        .executeTakeFirst();
      return taken && { name, token: taken.token };
    },
    async renew(lease, ms) {
      const { numUpdatedRows } = await of(lease)
        .set({ until: sql<number>`${now} + ${ms}` })
        .where('until', '>', now)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async drop(lease) {
      await of(lease).set({ until: 0 }).execute();
    },
  };
}

export function leasedWrites(
  db: Kysely<Schema>,
  writer: GroupWriter,
  words: SqlWords,
  lease: Lease,
): LeasedWrites {
  const inside = <T>(write: (db: Kysely<Schema>) => Promise<T>): Promise<T> => writeUnder(db, lease, write);
  const fenced = fencedWriter(db, writer, lease);
  return {
    namespaces: { putSettings: (...put) => inside((on) => putSettings(on, ...put)) },
    entities: { put: (row, expected) => inside((on) => entityStore(on, words).put(row, expected)) },
    feeds: feedStore(db, fenced),
    deliveries: deliveryStore(db, fenced),
    activations: { prune: (rule) => inside((on) => pruneActivations(on, rule)) },
    acme: { put: (...put) => inside((on) => acmeStore(on).put(...put)) },
  };
}

/** Writes in one transaction, if no one has taken the lease since. @throws Fault STORE_LEASE_LOST */
export function writeUnder<T>(
  db: Kysely<Schema>,
  lease: Lease,
  write: (db: Kysely<Schema>) => Promise<T>,
): Promise<T> {
  return inTransaction(db, async (transaction) => {
    const { numUpdatedRows } = await fence(transaction, lease).executeTakeFirst();
    if (numUpdatedRows === 0n) throw lost(lease);
    return write(transaction);
  });
}

/** Changes a row only under the present token, and locks it: the lease is not taken before the transaction ends. */
function fence(db: Kysely<Schema>, { name, token }: Lease) {
  return db
    .updateTable('leases')
    .set(({ ref }) => ({ holder: ref('holder') }))
    .where('name', '=', name)
    .where('token', '=', token);
}

/** Puts the check of the token before each unit: a step that changes no row ends its unit. */
function fencedWriter(db: Kysely<Schema>, writer: GroupWriter, lease: Lease): Pick<GroupWriter, 'submit'> {
  const check = step(statement(fence(db, lease)), [lease.name, lease.token]);
  return {
    async submit(write) {
      const changed = await writer.submit({ ...write, unit: [check, ...write.unit] });
      if (changed === 0) throw lost(lease);
      return changed - 1;
    },
  };
}

function lost({ name }: Lease) {
  return storeFault('STORE_LEASE_LOST', `another server has taken over: ${name}`);
}
