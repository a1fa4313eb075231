/**
 * The registry's database in SQLite, in a thread of its own: the blobs and manifests of each repository, the targets
 * of tags, the holdings of each namespace. Bytes are in files. A change is one transaction, so however the process
 * ends, it is stored completely or not at all.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { imageFault } from '../images/index.ts';
import {
  type BatchStep,
  type DatabaseSnapshot,
  type DatabaseThread,
  type SqlValue,
  startDatabaseThread,
} from '../store/index.ts';

export interface RegistryDatabase {
  all<T>(schema: z.ZodType<T>, sql: string, ...values: readonly SqlValue[]): Promise<T[]>;
  first<T>(schema: z.ZodType<T>, sql: string, ...values: readonly SqlValue[]): Promise<T | undefined>;
  /**
   * Runs one transaction, durable when it settles. A step that changes no row ends it: earlier steps stay. So
   * conditions are in the first step. Returns the number of steps that changed something.
   */
  write(...steps: readonly BatchStep[]): Promise<number>;
  close(): Promise<void>;
}

export function step(sql: string, ...values: readonly SqlValue[]): BatchStep {
  return { statement: { sql, arity: values.length }, values };
}

/** `user_version` of the file. */
export const registrySchema = 3;

/**
 * `holdings` has each blob of a namespace once, whatever the number of its repositories, and `usage` the sum of the
 * bytes. A blob counts as at least one block of the file system, so that many small blobs are not free.
 */
const statements = [
  `create table if not exists blobs (
     digest text primary key, size integer not null, touched_at integer not null) strict, without rowid`,
  `create table if not exists repositories (
     name text primary key, namespace text not null, created_at integer not null) strict, without rowid`,
  'create index if not exists repositories_of_namespace on repositories (namespace, name)',
  `create table if not exists links (
     repository text not null, digest text not null, namespace text not null, touched_at integer not null,
     primary key (repository, digest)) strict, without rowid`,
  'create index if not exists links_by_digest on links (digest, namespace)',
  `create table if not exists manifests (
     repository text not null, digest text not null, namespace text not null, media_type text not null,
     size integer not null, depth integer not null, subject text, artifact_type text, annotations text not null,
     touched_at integer not null, primary key (repository, digest)) strict, without rowid`,
  `create index if not exists manifests_of_subject on manifests (repository, subject, digest)
     where subject is not null`,
  `create table if not exists parts (
     repository text not null, manifest text not null, digest text not null,
     primary key (repository, manifest, digest)) strict, without rowid`,
  'create index if not exists parts_by_digest on parts (repository, digest)',
  `create table if not exists tags (
     repository text not null, tag text not null, digest text not null, primary key (repository, tag))
     strict, without rowid`,
  'create index if not exists tags_of_manifest on tags (repository, digest)',
  'create index if not exists manifests_by_digest on manifests (digest)',
  'create index if not exists tags_by_name on tags (tag)',
  `create table if not exists holdings (
     namespace text not null, digest text not null, bytes integer not null, count integer not null,
     primary key (namespace, digest)) strict, without rowid`,
  'create index if not exists holdings_by_digest on holdings (digest)',
  `create table if not exists usage (namespace text primary key, bytes integer not null) strict, without rowid`,
  `create table if not exists second_names (name text primary key, digest text not null) strict, without rowid`,
  'create index if not exists second_names_by_digest on second_names (digest)',
  `create trigger if not exists blobs_deleted after delete on blobs begin
     delete from second_names where digest = old.digest;
   end`,
  ...['links', 'manifests'].flatMap((table) => [
    `create trigger if not exists ${table}_held after insert on ${table} begin
       insert into holdings (namespace, digest, bytes, count)
         select new.namespace, new.digest, max(size, 4096), 1 from blobs where digest = new.digest
         on conflict do update set count = count + 1;
     end`,
    `create trigger if not exists ${table}_dropped after delete on ${table} begin
       update holdings set count = count - 1 where namespace = old.namespace and digest = old.digest;
       delete from holdings where namespace = old.namespace and digest = old.digest and count = 0;
     end`,
  ]),
  `create trigger if not exists manifests_deleted after delete on manifests begin
     delete from tags where repository = old.repository and digest = old.digest;
     delete from parts where repository = old.repository and manifest = old.digest;
   end`,
  `create trigger if not exists holdings_added after insert on holdings begin
     insert into usage (namespace, bytes) values (new.namespace, new.bytes)
       on conflict do update set bytes = bytes + excluded.bytes;
   end`,
  `create trigger if not exists holdings_removed after delete on holdings begin
     update usage set bytes = bytes - old.bytes where namespace = old.namespace;
   end`,
  `pragma user_version = ${registrySchema}`,
];

const versionRow = z.object({ user_version: z.number() });

/** @throws Fault IMAGE_STORE_INVALID, and Faults of the store room */
export async function openRegistryDatabase(path: string, cacheKiB?: number): Promise<RegistryDatabase> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const thread = startDatabaseThread(path, cacheKiB);
  try {
    await bringUp(thread, path);
    await chmod(path, 0o600);
  } catch (error) {
    await thread.close().catch(() => {});
    throw error;
  }
  const all = async <T>(schema: z.ZodType<T>, sql: string, ...values: readonly SqlValue[]): Promise<T[]> =>
    z.array(schema).parse((await thread.query(sql, values)).rows);
  return {
    all,
    first: async (schema, sql, ...values) => (await all(schema, sql, ...values))[0],
    async write(...steps) {
      const [outcome] = await thread.batch([steps]);
      if (typeof outcome === 'number') return outcome;
      throw outcome ?? new Error('the database gave no outcome');
    },
    close: () => thread.close(),
  };
}

/** Digests whose files must exist, in a copy of the database. @throws Fault STORE_CORRUPT, STORE_FAILED */
export function blobsKnownIn(registry: DatabaseSnapshot): readonly string[] {
  return registry.all('select digest from blobs').map(({ digest }) => String(digest));
}

/** Every statement leaves existing tables alone, so an interrupted run can start again. */
async function bringUp(thread: DatabaseThread, path: string): Promise<void> {
  const { rows } = await thread.query('pragma user_version', []);
  const { user_version: version } = versionRow.parse(rows[0]);
  if (version === registrySchema) return;
  if (version > registrySchema) {
    throw imageFault('IMAGE_STORE_INVALID', `${path} was written by a newer Ward`, {
      hint: 'Run the newer Ward, or restore a backup from before the upgrade.',
    });
  }
  for (const statement of statements) await thread.query(statement, []);
}
