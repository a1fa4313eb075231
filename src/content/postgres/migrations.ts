/** The registry's tables in PostgreSQL, in a schema of their own. A released migration is never edited. */
import type { PostgresMigrations } from '../../store/index.ts';

export const schema = 'registry';

/** As in SQLite. */
const tables = `
  create table registry.blobs (
    digest text primary key, size bigint not null, touched_at bigint not null, doomed_at bigint);
  create index blobs_doomed on registry.blobs (doomed_at, digest) where doomed_at is not null;
  create table registry.repositories (name text primary key, namespace text not null, created_at bigint not null);
  create index repositories_of_namespace on registry.repositories (namespace, name);
  create table registry.links (
    repository text not null, digest text not null, namespace text not null, touched_at bigint not null,
    primary key (repository, digest));
  create index links_by_digest on registry.links (digest, namespace);
  create table registry.manifests (
    repository text not null, digest text not null, namespace text not null, media_type text not null,
    size bigint not null, depth integer not null, subject text, artifact_type text, annotations text not null,
    touched_at bigint not null, primary key (repository, digest));
  create index manifests_of_subject on registry.manifests (repository, subject, digest) where subject is not null;
  create index manifests_by_digest on registry.manifests (digest);
  create table registry.parts (
    repository text not null, manifest text not null, digest text not null,
    primary key (repository, manifest, digest));
  create index parts_by_digest on registry.parts (repository, digest);
  create table registry.tags (
    repository text not null, tag text not null, digest text not null, primary key (repository, tag));
  create index tags_of_manifest on registry.tags (repository, digest);
  create index tags_by_name on registry.tags (tag);
  create table registry.holdings (
    namespace text not null, digest text not null, bytes bigint not null, count bigint not null,
    primary key (namespace, digest));
  create index holdings_by_digest on registry.holdings (digest);
  create table registry.usage (namespace text primary key, bytes bigint not null);
  create table registry.second_names (
    name text primary key, digest text not null references registry.blobs (digest) on delete cascade);
  create index second_names_by_digest on registry.second_names (digest);
`;

/** They name the schema, so that they also work for an operator who changes a row by hand. */
const counters = `
  create function registry.hold() returns trigger language plpgsql as $$ begin
    insert into registry.holdings as held (namespace, digest, bytes, count)
      select new.namespace, new.digest, greatest(size, 4096), 1 from registry.blobs where digest = new.digest
      on conflict (namespace, digest) do update set count = held.count + 1;
    return null;
  end $$;
  create function registry.drop_hold() returns trigger language plpgsql as $$ begin
    update registry.holdings set count = count - 1 where namespace = old.namespace and digest = old.digest;
    delete from registry.holdings where namespace = old.namespace and digest = old.digest and count = 0;
    return null;
  end $$;
  create trigger links_held after insert on registry.links for each row execute function registry.hold();
  create trigger links_dropped after delete on registry.links for each row execute function registry.drop_hold();
  create trigger manifests_held after insert on registry.manifests for each row execute function registry.hold();
  create trigger manifests_dropped after delete on registry.manifests
    for each row execute function registry.drop_hold();

  create function registry.forget_manifest() returns trigger language plpgsql as $$ begin
    delete from registry.tags where repository = old.repository and digest = old.digest;
    delete from registry.parts where repository = old.repository and manifest = old.digest;
    return null;
  end $$;
  create trigger manifests_deleted after delete on registry.manifests
    for each row execute function registry.forget_manifest();

  create function registry.count_holding() returns trigger language plpgsql as $$ begin
    if tg_op = 'INSERT' then
      insert into registry.usage as used (namespace, bytes) values (new.namespace, new.bytes)
        on conflict (namespace) do update set bytes = used.bytes + excluded.bytes;
    else
      update registry.usage set bytes = bytes - old.bytes where namespace = old.namespace;
    end if;
    return null;
  end $$;
  create trigger holdings_counted after insert or delete on registry.holdings
    for each row execute function registry.count_holding();
`;

/** `turn` is that of the newest request, which alone may add chunks. */
const uploads = `
  create table registry.uploads (
    id text primary key, repository text not null, namespace text not null, size bigint not null, turn text not null,
    created_at bigint not null, touched_at bigint not null);
  create index uploads_of_namespace on registry.uploads (namespace, touched_at);
  create index uploads_by_age on registry.uploads (touched_at);
  create table registry.upload_parts (
    upload text not null references registry.uploads (id) on delete cascade, at bigint not null, digest text not null,
    size bigint not null, primary key (upload, at));
  create index upload_parts_by_digest on registry.upload_parts (digest);
`;

/** Entries of the audit log that are not in its chain yet. */
const unsealedEntries = `
  create table registry.unsealed_entries (
    seq bigint generated by default as identity primary key, id text not null unique, entry text not null);
`;

/** The oldest Ward that can use the tables. */
const minReader = `
  create table registry.min_reader (one integer primary key check (one = 1), migration text not null);
  insert into registry.min_reader values (1, '0004-min-reader');
`;

/**
 * Tells other servers for which images signatures and attestations may have changed: what describes an image, the image itself
 * in a repository, and an index for the images that it lists. The registry's schema can be alone in a database.
 */
const evidenceChanges = `
  create function registry.note_evidence(place text, image text) returns void language plpgsql as $$ begin
    if to_regclass('public.changes') is not null then
      insert into public.changes (kind, namespace, path)
        select 'evidence', '', image
        union select 'evidence', '', part.digest from registry.parts part
          join registry.manifests child on child.repository = part.repository and child.digest = part.digest
          where part.repository = place and part.manifest = image;
    end if;
  end $$;
  create function registry.note_manifest(changed registry.manifests) returns void language plpgsql as $$ begin
    perform registry.note_evidence(changed.repository, changed.digest);
    if changed.subject is not null then
      perform registry.note_evidence(changed.repository, changed.subject);
    end if;
  end $$;
  create function registry.note_tag(changed registry.tags) returns void language plpgsql as $$ begin
    if changed.tag ~ '^sha256-[0-9a-f]{64}[.]' then
      perform registry.note_evidence(changed.repository, 'sha256:' || substr(changed.tag, 8, 64));
    end if;
  end $$;
  create function registry.note_arrival() returns trigger language plpgsql as $$ begin
    if tg_table_name = 'tags' then perform registry.note_tag(new); else perform registry.note_manifest(new); end if;
    return null;
  end $$;
  create function registry.note_leaving() returns trigger language plpgsql as $$ begin
    if tg_table_name = 'tags' then perform registry.note_tag(old); else perform registry.note_manifest(old); end if;
    return old;
  end $$;
  -- At the end of the transaction, which has the parts then; and before the parts leave.
  create constraint trigger manifests_arrived after insert on registry.manifests deferrable initially deferred
    for each row execute function registry.note_arrival();
  create trigger manifests_leave before delete on registry.manifests
    for each row execute function registry.note_leaving();
  create trigger tags_arrived after insert or update on registry.tags
    for each row execute function registry.note_arrival();
  create trigger tags_leave before delete on registry.tags for each row execute function registry.note_leaving();
`;

/** When the removal of the bytes began, which the store can still carry out for a while. */
const removalMarks = 'alter table registry.blobs add column removal_at bigint';

export const migrations: PostgresMigrations = {
  '0001-schema': { statements: `${tables}${counters}` },
  '0002-uploads': { statements: uploads },
  '0003-unsealed-entries': { statements: unsealedEntries },
  '0004-min-reader': { statements: minReader },
  '0005-evidence-changes': { statements: evidenceChanges, isExpandOnly: true },
  '0006-removal-marks': { statements: removalMarks, isExpandOnly: true },
};
