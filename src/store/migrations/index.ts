/**
 * The migrations, in order: an explicit list, each in a file of its own. A released migration is never edited; a
 * change is a new file at the end.
 */
import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { isFault } from '../../lib/index.ts';
import { storeFault } from '../faults.ts';
import type { AppliedMigration } from '../types/store.ts';
import * as entities from './0001-entities.ts';
import * as activations from './0002-activations.ts';
import * as accepted from './0003-accepted.ts';
import * as entityLinks from './0004-entity-links.ts';
import * as namespaceSettings from './0005-namespace-settings.ts';
import * as keys from './0006-keys.ts';
import * as activationInputs from './0007-activation-inputs.ts';
import * as activationCounts from './0008-activation-counts.ts';
import * as feeds from './0009-feeds.ts';
import * as deliveries from './0010-deliveries.ts';
import * as apis from './0011-apis.ts';
import * as violations from './0012-violations.ts';
import * as lastUse from './0013-last-use.ts';
import * as holdings from './0014-holdings.ts';
import * as owners from './0015-owners.ts';
import * as members from './0016-members.ts';
import * as changes from './0017-changes.ts';
import * as leases from './0018-leases.ts';
import * as codeMarks from './0019-code-marks.ts';
import * as clusterNodes from './0020-cluster-nodes.ts';
import * as sessions from './0021-sessions.ts';
import * as unsealedEntries from './0022-unsealed-entries.ts';
import * as spentTokens from './0023-spent-tokens.ts';
import * as failedActivations from './0024-failed-activations.ts';
import * as usageDays from './0025-usage-days.ts';
import * as domains from './0026-domains.ts';
import * as storedBytes from './0027-stored-bytes.ts';
import * as sentEntries from './0028-sent-entries.ts';
import * as persons from './0029-persons.ts';
import * as joinTokenUses from './0030-join-token-uses.ts';
import * as traffic from './0031-traffic.ts';
import * as acme from './0032-acme.ts';
import * as sessionPersons from './0033-session-persons.ts';
import * as namespaceMembers from './0034-namespace-members.ts';
import * as egressDays from './0035-egress-days.ts';
import * as usageSlots from './0036-usage-slots.ts';
import * as startKinds from './0037-start-kinds.ts';
import * as earlierCode from './0038-earlier-code.ts';
import * as sessionEnds from './0039-session-ends.ts';
import * as forwardingErrors from './0040-forwarding-errors.ts';
import { type Migrations, mayUse, notingReaders } from './min-reader.ts';

export const migrations: Migrations = {
  '0001-entities': entities,
  '0002-activations': activations,
  '0003-accepted': accepted,
  '0004-entity-links': entityLinks,
  '0005-namespace-settings': namespaceSettings,
  '0006-keys': keys,
  '0007-activation-inputs': activationInputs,
  '0008-activation-counts': activationCounts,
  '0009-feeds': feeds,
  '0010-deliveries': deliveries,
  '0011-apis': apis,
  '0012-violations': violations,
  '0013-last-use': lastUse,
  '0014-holdings': holdings,
  '0015-owners': owners,
  '0016-members': members,
  '0017-changes': changes,
  '0018-leases': leases,
  '0019-code-marks': codeMarks,
  '0020-cluster-nodes': clusterNodes,
  '0021-sessions': sessions,
  '0022-unsealed-entries': unsealedEntries,
  '0023-spent-tokens': spentTokens,
  '0024-failed-activations': failedActivations,
  '0025-usage-days': usageDays,
  '0026-domains': domains,
  '0027-stored-bytes': storedBytes,
  '0028-sent-entries': sentEntries,
  '0029-persons': persons,
  '0030-join-token-uses': joinTokenUses,
  '0031-traffic': traffic,
  '0032-acme': acme,
  '0033-session-persons': sessionPersons,
  '0034-namespace-members': namespaceMembers,
  '0035-egress-days': egressDays,
  '0036-usage-slots': usageSlots,
  '0037-start-kinds': startKinds,
  '0038-earlier-code': earlierCode,
  '0039-session-ends': sessionEnds,
  '0040-forwarding-errors': forwardingErrors,
};

/** Called with the newest migration of a newer Ward that has upgraded the database in a way that this Ward can use. */
export type OnNewer = (migration: string) => void;

interface MigrateOptions {
  /** The last to run; the newest by default. */
  readonly target?: string | undefined;
  /** The schema of PostgreSQL in which the migrations that ran are noted. It is created if it is missing. */
  readonly schema?: string | undefined;
  /** Without it, a database of a newer Ward is refused. */
  readonly onNewer?: OnNewer | undefined;
}

/**
 * Runs the missing migrations in one transaction. Throws STORE_NEWER, without changing anything, when the database has
 * a migration that this Ward does not know, and can't go on with.
 */
export async function migrate<Tables>(
  db: Kysely<Tables>,
  known: Migrations,
  { target, schema, onNewer }: MigrateOptions = {},
): Promise<void> {
  const migrator = new Migrator({
    ...{ db, provider: { getMigrations: async () => ({ ...notingReaders(known, schema) }) } },
    ...(schema === undefined ? {} : notesIn(schema)),
  });
  const { error } =
    target === undefined ? await migrator.migrateToLatest() : await migrator.migrateTo(target);
  if (error === undefined) return;
  // Its notes may be what is missing: then the first error says why.
  const ran = await ranMigrations(db, schema).catch(() => []);
  const unknown = newestUnknown(known, ran);
  if (unknown === undefined) throw error;
  const isUsable = await mayUse(db, known, ran, schema);
  if (!isUsable) {
    throw storeFault(
      'STORE_NEWER',
      `a newer Ward has changed the database so that this one can't use it (it has migration ${unknown})`,
      { hint: 'Run the newer Ward here, too, or restore a backup from before the upgrade.', cause: error },
    );
  }
  if (onNewer === undefined) {
    throw storeFault('STORE_NEWER', `a newer Ward has upgraded the database (it has migration ${unknown})`, {
      hint: 'Use the newer Ward for this.',
      cause: error,
    });
  }
  onNewer(unknown);
}

const notesTable = 'migrations';

/** Not Kysely's names: it takes a table of that name for its own, even in another schema. */
function notesIn(schema: string) {
  return {
    migrationTableSchema: schema,
    migrationTableName: notesTable,
    migrationLockTableName: `${notesTable}_lock`,
  };
}

/**
 * Whether all migrations have run, and no others but those with which this Ward can go on.
 * @param onNewer as in `migrate`
 */
export async function isUpToDate<Tables>(
  db: Kysely<Tables>,
  known: Migrations,
  { schema, onNewer }: Omit<MigrateOptions, 'target'>,
): Promise<boolean> {
  const ran = await migrationsIn(db, schema);
  const unknown = newestUnknown(known, ran);
  if (unknown === undefined) return Object.keys(known).every((name) => ran.includes(name));
  if (onNewer === undefined || !(await mayUse(db, known, ran, schema))) return false;
  onNewer(unknown);
  return true;
}

/** The migrations of the store's own tables that have run, the oldest first. */
export async function appliedMigrations<Tables>(db: Kysely<Tables>): Promise<readonly AppliedMigration[]> {
  const { rows } = await sql<{ name: string; timestamp: string }>`
    select name, timestamp from ${notesOf(undefined)} order by name`.execute(db);
  return rows.map(({ name, timestamp }) => {
    const at = Date.parse(timestamp);
    return { name, at: Number.isNaN(at) ? null : at };
  });
}

function newestUnknown(known: Migrations, ran: readonly string[]): string | undefined {
  return ran
    .filter((name) => !Object.hasOwn(known, name))
    .toSorted()
    .at(-1);
}

/** Names of those that have run; none where there are no tables of Ward. */
export async function migrationsIn<Tables>(
  db: Kysely<Tables>,
  schema: string | undefined,
): Promise<readonly string[]> {
  try {
    return await ranMigrations(db, schema);
  } catch (error) {
    if (isFault(error, 'STORE_FAILED')) return [];
    throw error;
  }
}

async function ranMigrations<Tables>(
  db: Kysely<Tables>,
  schema: string | undefined,
): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from ${notesOf(schema)}`.execute(db);
  return rows.map((row) => row.name);
}

function notesOf(schema: string | undefined) {
  return schema === undefined ? sql.table('kysely_migration') : sql.id(schema, notesTable);
}
