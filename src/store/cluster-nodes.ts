/** What servers heard of the nodes of their cluster, and the operator's orders to them. All times are the database's. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { JsonObject } from '../lib/index.ts';
import { inTransaction, note } from './noted.ts';
import type { ClusterNodeTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { ClusterNodeRow, ClusterNodeStore, DrainOrderRow } from './types/cluster-nodes.ts';

/** Reports come from other machines, so their names must not fill the disk. */
const mostNodes = 2_000;
/** Limits the parameters of one statement. */
const rowsAtOnce = 200;

export function clusterNodeStore(db: Kysely<Schema>, { now }: SqlWords): ClusterNodeStore {
  const age = sql<number>`${now} - seen_at`.as('age');
  return {
    async note(heard, { everyMs }) {
      const known = await db.selectFrom('cluster_nodes').select(['name', 'role']).select(age).execute();
      const ages = new Map(known.map((row) => [row.name, row.age]));
      let room = mostNodes - ages.size;
      const due = heard.filter(({ name, ageMs }) => {
        const last = ages.get(name);
        return last === undefined ? room-- > 0 : last - ageMs >= everyMs;
      });
      // In one order on all servers, so that none waits for another one that waits for it.
      due.sort((one, other) => (one.name < other.name ? -1 : 1));
      for (let at = 0; at < due.length; at += rowsAtOnce) {
        const rows = due.slice(at, at + rowsAtOnce).map(({ name, role, version, figures, ageMs }) => ({
          ...{ name, role, version, figures: JSON.stringify(figures) },
          seen_at: sql<number>`${now} - ${Math.round(ageMs)}`,
        }));
        await db
          .insertInto('cluster_nodes')
          .values(rows)
          .onConflict((conflict) =>
            conflict
              .column('name')
              .doUpdateSet(({ ref }) => ({
                role: ref('excluded.role'),
                version: ref('excluded.version'),
                figures: ref('excluded.figures'),
                seen_at: ref('excluded.seen_at'),
              }))
              .whereRef('cluster_nodes.seen_at', '<', 'excluded.seen_at'),
          )
          .execute();
      }
      return known.map((row) => ({ name: row.name, role: row.role, ageMs: Math.max(0, row.age) }));
    },
    async list() {
      const rows = await db
        .selectFrom('cluster_nodes')
        .selectAll()
        .select(age)
        .orderBy('name')
        .limit(mostNodes)
        .execute();
      return rows.map(toNode);
    },
    async get(name) {
      const row = await db
        .selectFrom('cluster_nodes')
        .selectAll()
        .select(age)
        .where('name', '=', name)
        .executeTakeFirst();
      return row === undefined ? undefined : toNode(row);
    },
    order: (name, isDrained) =>
      inTransaction(db, async (inside) => {
        const row = await inside
          .updateTable('cluster_nodes')
          .set({
            drained: isDrained ? 1 : 0,
            ordered_at: sql<number>`case when ordered_at >= ${now} then ordered_at + 1 else ${now} end`,
          })
          .where('name', '=', name)
          .returning(['name', 'drained', 'ordered_at'])
          .executeTakeFirst();
        if (row === undefined) return undefined;
        await note(inside, [{ what: isDrained ? 'drain-node' : 'undrain-node', name }]);
        return toOrders([row])[0];
      }),
    async orders() {
      const rows = await db
        .selectFrom('cluster_nodes')
        .select(['name', 'drained', 'ordered_at'])
        .where('ordered_at', 'is not', null)
        .execute();
      return toOrders(rows);
    },
    async forget(name) {
      const { numDeletedRows } = await db
        .deleteFrom('cluster_nodes')
        .where('name', '=', name)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
    async prune(silentMs) {
      const { numDeletedRows } = await db
        .deleteFrom('cluster_nodes')
        .where('seen_at', '<', sql<number>`${now} - ${silentMs}`)
        .where('drained', '=', 0)
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}

type OrderColumns = Pick<Selectable<ClusterNodeTable>, 'name' | 'drained' | 'ordered_at'>;

function toOrders(rows: readonly OrderColumns[]): readonly DrainOrderRow[] {
  return rows.flatMap(({ name, drained, ordered_at: at }) =>
    at === null ? [] : [{ name, isDrained: drained === 1, at }],
  );
}

function toNode(row: Selectable<ClusterNodeTable> & { readonly age: number }): ClusterNodeRow {
  const [order] = toOrders([row]);
  return {
    ...{ name: row.name, role: row.role, version: row.version, ageMs: Math.max(0, row.age) },
    figures: JSON.parse(row.figures) as JsonObject,
    order: order === undefined ? null : { isDrained: order.isDrained, at: order.at },
  };
}
