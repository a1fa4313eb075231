/**
 * The schema of the advisory file. It is written once beside the old one and never changed in place, so readers need no
 * locks and see either the old or the new file.
 */
import { DatabaseSync } from 'node:sqlite';

/** "Ward" in `application_id`. */
export const applicationId = 0x57617264;
/** Increase it when a reader of the old form would misread the new one, or when an import would produce something else. */
export const formVersion = 2;

export const tables = `
  create table meta (name text primary key, value text not null) strict, without rowid;
  create table source (
    id integer primary key,
    name text not null unique,
    form text not null,
    /** SHA-256 of the imported file, as hex. */
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
    /** Whether any version fixes it. */
    fixed integer not null,
    /** ISO time at which a fix became known, if that was after the publication. */
    fix_since text,
    body text not null
  ) strict;
  create table rating (source integer not null, cve text not null, body text not null) strict;
  create table published (source integer not null, cve text not null, at text not null) strict;
  create table exploited (source integer not null, cve text not null, added text not null) strict;
  create table probability (source integer not null, cve text not null, value real not null) strict;
  create table lifecycle (
    source integer not null,
    product text not null,
    cycle text not null,
    ends text not null
  ) strict;
`;

/** Created after all rows, which is several times faster. */
export const indexes = `
  create index advisory_name on advisory (name);
  create index affected_advisory on affected (advisory);
  create index affected_name on affected (name, ecosystem) where superseded = 0;
  create index rating_cve on rating (cve);
  create index published_cve on published (cve);
  create index exploited_cve on exploited (cve);
  create index probability_cve on probability (cve);
  create index lifecycle_product on lifecycle (product);
`;

/** Tables whose rows belong to a source. */
export const sourceTables = [
  'advisory',
  'rating',
  'published',
  'exploited',
  'probability',
  'lifecycle',
] as const;

/**
 * Marks superseded rows. Of several copies of an advisory, only the newest counts for a package. A withdrawal cancels all
 * copies that are not newer.
 */
export const supersede = `
  update affected set superseded = 0 where superseded <> 0;
  create temp table newest as
    select a.name as id, f.ecosystem, f.release, f.name, max(a.modified) as modified
      from (select name from advisory group by name having count(*) > 1) repeated
      join advisory a on a.name = repeated.name
      join affected f on f.advisory = a.id
      group by 1, 2, 3, 4 having min(a.modified) < max(a.modified);
  create temp table withdrawn as
    select name, max(modified) as modified from advisory where withdrawn = 1 group by name;
  update affected set superseded = 1 where rowid in (
    select f.rowid from newest
      cross join advisory a on a.name = newest.id and a.modified < newest.modified
      cross join affected f on f.advisory = a.id
      where f.ecosystem = newest.ecosystem and f.release = newest.release and f.name = newest.name
    union
    select f.rowid from withdrawn
      cross join advisory a on a.name = withdrawn.name and a.modified <= withdrawn.modified
      cross join affected f on f.advisory = a.id
  );
  drop table newest;
  drop table withdrawn;
`;

/** Opens for reading only. @throws what node:sqlite throws */
export function openReadOnly(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, defensive: true });
  db.exec('pragma trusted_schema = off; pragma cache_size = -16384; pragma mmap_size = 1073741824;');
  return db;
}

/**
 * Compares with the form of this version of Ward; `foreign` files are no advisory files. @throws what node:sqlite throws
 */
export function formOf(db: DatabaseSync): 'ours' | 'older' | 'newer' | 'foreign' {
  if (numberOf(db, 'application_id') !== applicationId) return 'foreign';
  const version = numberOf(db, 'user_version');
  if (version === formVersion) return 'ours';
  return version < formVersion ? 'older' : 'newer';
}

function numberOf(db: DatabaseSync, pragma: string): number {
  return Number(Object.values(db.prepare(`pragma ${pragma}`).get() ?? {})[0] ?? 0);
}
