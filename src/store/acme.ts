/** What this Ward has with authorities of certificates. */
import type { Kysely, Selectable } from 'kysely';
import { randomHex } from '../lib/index.ts';
import { parseObject } from './documents.ts';
import type { AcmeTable, Schema } from './schema.ts';
import type { AcmeKind, AcmeRow, AcmeStore } from './types/acme.ts';

export function acmeStore(db: Kysely<Schema>): AcmeStore {
  return {
    async get(kind, name) {
      const row = await db
        .selectFrom('acme')
        .selectAll()
        .where('kind', '=', kind)
        .where('name', '=', name)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async list(kind) {
      const rows = await db.selectFrom('acme').selectAll().where('kind', '=', kind).orderBy('name').execute();
      return rows.map(toRow);
    },
    async put({ kind, name, document }, expected) {
      const changed = { document: JSON.stringify(document), revision: randomHex(8) };
      if (expected === null) {
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('acme')
          .values({ kind, name, ...changed })
          .onConflict((conflict) => conflict.columns(['kind', 'name']).doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      }
      const { numUpdatedRows } = await db
        .updateTable('acme')
        .set(changed)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .where('revision', '=', expected)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async delete(kind, name) {
      await db.deleteFrom('acme').where('kind', '=', kind).where('name', '=', name).execute();
    },
  };
}

function toRow({ kind, name, document, revision }: Selectable<AcmeTable>): AcmeRow {
  return { kind: kind as AcmeKind, name, document: parseObject(document), revision };
}
