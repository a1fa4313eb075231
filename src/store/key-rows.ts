/** Rows of the table of further keys, their entries in the audit log, and what the end of a person's logins covers. */
import { type Kysely, sql } from 'kysely';
import { digestOf } from './noted.ts';
import type { KeyTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { KeyRow } from './types/keys.ts';

/** The entry of a new key in the audit log. */
export function creationOf(row: KeyRow) {
  return { what: 'create-key', ...namesOf(row), after: digestOfRow(row) };
}

/** The entry of a key that is gone. */
export function deletionOf(row: KeyTable) {
  const gone = keyOf(row);
  return { what: 'delete-key', ...namesOf(gone), before: digestOfRow(gone) };
}

export function keyColumns(row: KeyRow): KeyTable {
  return {
    key_id: row.keyId,
    namespace: row.namespace,
    key_hash: row.keyHash,
    scope: row.scope,
    label: row.label,
    created_at: row.createdAt,
    expires_at: row.expiresAt,
    person: row.person,
    maker: row.maker,
  };
}

export function keyOf(row: KeyTable): KeyRow {
  return {
    keyId: row.key_id,
    namespace: row.namespace,
    keyHash: row.key_hash,
    scope: row.scope,
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    person: row.person,
    maker: row.maker,
  };
}

/** What Ward tolerates between clocks when it checks a token. */
const toleranceMs = 30_000;

/**
 * Up to which time of the issuer a person's logins end now. An issuer's clock may be behind, so that is some seconds ago,
 * or the next login would be refused. A login that has just made a key ends all the same, though the clock may be ahead.
 * @param namespace undefined: everywhere
 */
export async function endOfLogins(
  db: Kysely<Schema>,
  { now }: SqlWords,
  person: string,
  namespace?: string,
): Promise<number> {
  const newest = { at: sql<number | null>`max(created_at)`.as('at') };
  const ofKeys = db.selectFrom('keys').where('person', '=', person);
  const key = await (namespace === undefined ? ofKeys : ofKeys.where('namespace', '=', namespace))
    .select(newest.at)
    .executeTakeFirst();
  // Those of operators have no key.
  const session = await db
    .selectFrom('sessions')
    .where('person', '=', person)
    .select(newest.at)
    .executeTakeFirst();
  const clock = await db.selectNoFrom(sql<number>`${now}`.as('at')).executeTakeFirstOrThrow();
  const [last, present] = [Math.max(Number(key?.at ?? 0), Number(session?.at ?? 0)), Number(clock.at)];
  return Math.min(present, Math.max(last + toleranceMs, present - toleranceMs));
}

function namesOf({ namespace, keyId }: KeyRow) {
  return { name: `/${namespace}/${keyId}`, namespace };
}

/** Of its rights; the hash of its secret is left out. */
function digestOfRow({ keyHash: _, ...rights }: KeyRow): string {
  return digestOf({ ...rights });
}
