/** Rows of the table of further keys, and their entries in the audit log. */
import { digestOf } from './noted.ts';
import type { KeyTable } from './schema.ts';
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

function namesOf({ namespace, keyId }: KeyRow) {
  return { name: `/${namespace}/${keyId}`, namespace };
}

/** Of its rights; the hash of its secret is left out. */
function digestOfRow({ keyHash: _, ...rights }: KeyRow): string {
  return digestOf({ ...rights });
}
