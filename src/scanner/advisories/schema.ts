/**
 * The one file of advisories: SQLite, written once beside the old one and never changed in place. Its readers need no
 * locks, and see either the old or the new one whole.
 */
import { DatabaseSync } from 'node:sqlite';

/** «Ward» in `application_id`. */
export const applicationId = 0x57617264;
/** Changes when a reader of the old form would misread the new one, or when importing would say something else. */
export const formVersion = 1;

export const tables = `
  create table meta (name text primary key, value text not null) strict, without rowid;
  create table source (
    id integer primary key,
    name text not null unique,
    form text not null,
    /** Of the file's bytes; undefined for none. */
    digest text not null,
    url text,
    etag text,
    last_modified text,
    licence text,
    imported_at text not null,
    checked_at text not null,
    newest text not null,
    records integer not null,
    bad integer not null,
    skipped integer not null
  ) strict;
  create table advisory (
    id integer primary key,
    source integer not null,
    name text not null,
    modified text not null,
    withdrawn integer not null,
    body text not null
  ) strict;
  create table affected (
    advisory integer not null,
    ecosystem text not null,
    release text not null,
    name text not null,
    superseded integer not null default 0,
    body text not null
  ) strict;
  create table rating (source integer not null, cve text not null, body text not null) strict;
  create table exploited (source integer not null, cve text not null, added text not null) strict;
  create table probability (source integer not null, cve text not null, value real not null) strict;
  create table lifecycle (
    source integer not null,
    product text not null,
    cycle text not null,
    ends text not null
  ) strict;
`;

/** Made when all rows are there, which is several times faster. */
export const indexes = `
  create index advisory_name on advisory (name);
  create index affected_advisory on affected (advisory);
  create index affected_name on affected (name, ecosystem) where superseded = 0;
  create index rating_cve on rating (cve);
  create index exploited_cve on exploited (cve);
  create index probability_cve on probability (cve);
  create index lifecycle_product on lifecycle (product);
`;

/** All tables with rows that belong to a source. */
export const sourceTables = ['advisory', 'rating', 'exploited', 'probability', 'lifecycle'] as const;

/**
 * Older copies of an advisory, from another source, that a newer one speaks in place of; and all copies of one that was
 * taken back, unless they are newer than that.
 */
export const supersede = `
  update affected set superseded = 0 where superseded <> 0;
  create temp table repeated as
    select name from advisory group by name having count(distinct source) > 1 or max(withdrawn) = 1;
  update affected set superseded = 1 where rowid in (
    select old.rowid from repeated
      join advisory a on a.name = repeated.name
      join advisory b on b.name = a.name and b.source <> a.source and b.modified > a.modified
      join affected old on old.advisory = a.id
      join affected new on new.advisory = b.id
        and new.ecosystem = old.ecosystem and new.release = old.release and new.name = old.name
    union
    select old.rowid from repeated
      join advisory a on a.name = repeated.name
      join advisory b on b.name = a.name and b.withdrawn = 1 and b.modified >= a.modified
      join affected old on old.advisory = a.id
  );
  drop table repeated;
`;

/** Opens for reading only. @throws what node:sqlite throws */
export function openReadOnly(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, defensive: true });
  db.exec('pragma trusted_schema = off; pragma cache_size = -16384; pragma mmap_size = 1073741824;');
  return db;
}

/** `newer` and `older` than this Ward's form, or `foreign` altogether. @throws what node:sqlite throws */
export function formOf(db: DatabaseSync): 'ours' | 'older' | 'newer' | 'foreign' {
  if (numberOf(db, 'application_id') !== applicationId) return 'foreign';
  const version = numberOf(db, 'user_version');
  if (version === formVersion) return 'ours';
  return version < formVersion ? 'older' : 'newer';
}

function numberOf(db: DatabaseSync, pragma: string): number {
  return Number(Object.values(db.prepare(`pragma ${pragma}`).get() ?? {})[0] ?? 0);
}
