/**
 * Reads changes in PostgreSQL. Numbers of a sequence are not in the order of the commits: one transaction can take 5,
 * and another one take 6 and commit first. A reader that continues after 6 would never see 5. So a position is a
 * snapshot, which names every transaction that had ended when it was taken. A look finds exactly the changes of
 * transactions that this look sees and the last one did not. A transaction that stays open delays no other's changes.
 *
 * A position also says in which run of the database it was taken. When a server crashed or a standby took over, numbers
 * of transactions can come again, so an older snapshot means nothing.
 */
import { type Kysely, sql } from 'kysely';
import { knownChanges, mostChanges, pruneChanges } from '../changes.ts';
import type { Schema } from '../schema.ts';
import type { ChangeStore } from '../types/changes.ts';
import { postgresWords } from './dialect.ts';
import type { Pool } from './pool.ts';

interface Row {
  readonly snapshot: string;
  readonly timeline: string;
  /** Null in the only row when nothing has changed. */
  readonly kind: string | null;
  readonly namespace: string;
  readonly path: string;
}

export function postgresChanges(db: Kysely<Schema>, pool: Pick<Pool, 'broken'>): ChangeStore {
  return {
    async since(position) {
      const [run, snapshot] = position?.split(' ') ?? [];
      // Read before the look: a connection that breaks during it counts for the next one.
      const broken = pool.broken();
      const { rows } = await (snapshot === undefined ? nothing : changesAfter(snapshot)).execute(db);
      const { snapshot: present = '', timeline = '' } = rows[0] ?? {};
      const presentRun = `${timeline}.${broken}`;
      const found = rows.flatMap(({ kind, ...row }) => (kind === null ? [] : [{ kind, ...row }]));
      const hasSeen = (tx: number) => tx < oldestRunning(snapshot ?? '');
      return {
        position: `${presentRun} ${present}`,
        changes: run === presentRun ? knownChanges(found, hasSeen) : undefined,
      };
    },
    prune: (keepMs) => pruneChanges(db, postgresWords, 'tx', keepMs),
  };
}

/** The name of a file of the log begins with its time line, which is new after each promotion or restore. */
const present = sql`pg_current_snapshot()::text as snapshot,
  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline`;

const nothing = sql<Row>`select ${present}, null as kind, '' as namespace, '' as path`;

/** One statement, so that its own snapshot is the one that it reads with. */
function changesAfter(snapshot: string) {
  const before = sql`${snapshot}::pg_snapshot`;
  return sql<Row>`
    select ${present}, found.kind, found.namespace, found.path
    from (values (1)) as one left join lateral (
      select kind, namespace, path from changes
        where tx >= pg_snapshot_xmin(${before})::text::bigint
          and not pg_visible_in_snapshot(tx::text::xid8, ${before})
        limit ${mostChanges + 1}) as found on true`;
}

/** All transactions with lower numbers had ended. A snapshot is `xmin:xmax:those that run in between`. */
function oldestRunning(snapshot: string): number {
  return Number(snapshot.slice(0, snapshot.indexOf(':')));
}
