/** The tables of the registry's SQLite file. */

/** `user_version` of the file. */
export const registrySchema = 7;

/**
 * `holdings` has each blob of a namespace once, even if several repositories have it, and `usage` the sum of the bytes.
 * A blob counts as at least one block of the file system, so that many small blobs are not free.
 */
export const statements: readonly string[] = [
  `create table if not exists blobs (
     digest text primary key, size integer not null, touched_at integer not null, doomed_at integer,
     removal_at integer) strict, without rowid`,
  `create index if not exists blobs_doomed on blobs (doomed_at, digest) where doomed_at is not null`,
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
  `create table if not exists uploads (
     id text primary key, repository text not null, namespace text not null, size integer not null, turn text not null,
     created_at integer not null, touched_at integer not null) strict, without rowid`,
  'create index if not exists uploads_of_namespace on uploads (namespace, touched_at)',
  'create index if not exists uploads_by_age on uploads (touched_at)',
  `create table if not exists upload_parts (
     upload text not null, at integer not null, digest text not null, size integer not null,
     primary key (upload, at)) strict, without rowid`,
  'create index if not exists upload_parts_by_digest on upload_parts (digest)',
  `create table if not exists unsealed_entries (
     seq integer primary key autoincrement, id text not null unique, entry text not null) strict`,
  `create trigger if not exists uploads_deleted after delete on uploads begin
     delete from upload_parts where upload = old.id;
   end`,
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
