/**
 * Writes a new advisory file: first the rows kept from the old one, then the imported records, then what derives from both.
 */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { isFixed } from '../judge.ts';
import type { Advisory, Affected, Fact, RecordSink } from '../record.ts';
import { applicationId, formVersion, indexes, supersede, tables } from '../schema.ts';
import { isCve } from '../text.ts';
import type { AdvisoryOrigin } from '../types.ts';
import { copyAllBut, noteFixesSeen } from './carry-over.ts';

interface SourceRow {
  readonly name: string;
  readonly form: string;
  /** SHA-256 of the file's bytes, as hex. */
  readonly digest: string;
  readonly url?: string | undefined;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  readonly licence?: string | undefined;
}

interface SourceCounts {
  readonly records: number;
  readonly bad: number;
  readonly badRecords: readonly { readonly place: string; readonly reason: string }[];
  readonly skipped: number;
}

export interface AdvisoryWriter {
  /** Copies the old file except for these sources. */
  keepAllBut(oldPath: string, names: readonly string[]): void;
  beginSource(row: SourceRow): void;
  /** Adds records to the current source. */
  readonly sink: RecordSink;
  counts(): SourceCounts;
  endSource(): void;
  /** Removes the current source, which had no record. */
  dropSource(): void;
  /** Notes that these sources have not changed upstream. */
  markChecked(names: readonly string[]): void;
  /** Notes a new origin of the same bytes. */
  noteOrigin(name: string, origin: AdvisoryOrigin): void;
  /** Completes the file and closes it. */
  finish(): void;
  abandon(): void;
}

/** The limit for one source, so that a broken one doesn't fill the memory. */
const namedBadRecords = 20;

interface WriterTimes {
  /** ISO time. */
  readonly now: string;
  /** When the file that this one replaces was built. */
  readonly after?: string | undefined;
}

/** @throws what node:sqlite throws */
export function createWriter(path: string, times: WriterTimes): AdvisoryWriter {
  return new Writer(path, times);
}

class Writer implements AdvisoryWriter {
  readonly sink: RecordSink;
  readonly #db: DatabaseSync;
  readonly #now: string;
  readonly #builtAt: string;
  readonly #insert;
  #old: { readonly path: string; readonly keptUpTo: number } | undefined;
  #sourceId = 0;
  #advisoryId = 0;
  #records = 0;
  #bad = 0;
  #skipped = 0;
  #badRecords: { place: string; reason: string }[] = [];
  #newest = '';

  constructor(path: string, { now, after }: WriterTimes) {
    this.#now = now;
    this.#builtAt = after === undefined || after < now ? now : momentAfter(after);
    this.#db = new DatabaseSync(path, { defensive: true });
    // No reader sees the file before it is complete, and an incomplete one is thrown away: it needs no journal.
    this.#db.exec(`
      pragma page_size = 8192;
      pragma journal_mode = off;
      pragma synchronous = off;
      pragma locking_mode = exclusive;
      pragma cache_size = -65536;
      pragma trusted_schema = off;
      pragma application_id = ${applicationId};
      pragma user_version = ${formVersion};
      ${tables}
      begin;
    `);
    this.#insert = {
      source: this.#db.prepare(
        `insert into source (id, name, form, digest, url, etag, last_modified, licence, imported_at, checked_at,
          newest, records, bad, skipped) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, 0)`,
      ),
      advisory: this.#db.prepare('insert into advisory values (?, ?, ?, ?, ?, ?)'),
      affected: this.#db.prepare('insert into affected values (?, ?, ?, ?, 0, ?, null, ?)'),
      rating: this.#db.prepare('insert into rating values (?, ?, ?)'),
      published: this.#db.prepare('insert into published values (?, ?, ?)'),
      exploited: this.#db.prepare('insert into exploited values (?, ?, ?)'),
      probability: this.#db.prepare('insert into probability values (?, ?, ?)'),
      lifecycle: this.#db.prepare('insert into lifecycle values (?, ?, ?, ?)'),
    };
    this.sink = {
      advisory: (record) => this.#addAdvisory(record),
      fact: (fact) => this.#addFact(fact),
      bad: (place, reason) => this.#addBad(place, reason),
      skip: () => {
        this.#skipped++;
      },
    };
  }

  keepAllBut(oldPath: string, names: readonly string[]): void {
    copyAllBut(this.#db, oldPath, names);
    this.#sourceId = this.#largest('source');
    this.#advisoryId = this.#largest('advisory');
    this.#old = { path: oldPath, keptUpTo: this.#advisoryId };
  }

  beginSource(row: SourceRow): void {
    this.#sourceId++;
    this.#records = 0;
    this.#bad = 0;
    this.#skipped = 0;
    this.#badRecords = [];
    this.#newest = '';
    const optional = [row.url, row.etag, row.lastModified, row.licence].map((value) => value ?? null);
    this.#insert.source.run(
      this.#sourceId,
      row.name,
      row.form,
      row.digest,
      ...optional,
      this.#now,
      this.#now,
    );
  }

  counts(): SourceCounts {
    return {
      records: this.#records,
      bad: this.#bad,
      badRecords: this.#badRecords,
      skipped: this.#skipped,
    };
  }

  endSource(): void {
    this.#db
      .prepare('update source set records = ?, bad = ?, skipped = ?, newest = ? where id = ?')
      .run(this.#records, this.#bad, this.#skipped, this.#newest, this.#sourceId);
  }

  dropSource(): void {
    this.#db.prepare('delete from source where id = ?').run(this.#sourceId);
  }

  markChecked(names: readonly string[]): void {
    const update = this.#db.prepare('update source set checked_at = ? where name = ?');
    for (const name of names) update.run(this.#now, name);
  }

  noteOrigin(name: string, { url, etag, lastModified }: AdvisoryOrigin): void {
    this.#db
      .prepare('update source set url = ?, etag = ?, last_modified = ? where name = ?')
      .run(url, etag ?? null, lastModified ?? null, name);
  }

  finish(): void {
    if (this.#old !== undefined) noteFixesSeen(this.#db, this.#old.path, this.#old.keptUpTo, this.#now);
    this.#db.exec(`${indexes}\n${supersede}`);
    const meta = this.#db.prepare('insert into meta values (?, ?)');
    for (const [name, value] of Object.entries(summaryOf(this.#db))) meta.run(name, value);
    meta.run('built', this.#builtAt);
    this.#db.exec('commit; pragma optimize;');
    this.#db.close();
  }

  abandon(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #addAdvisory(record: Advisory): void {
    this.#records++;
    const { id, modified, withdrawn, affected, ratings } = record;
    // A record dated in the future could never be superseded.
    const isFromFuture = modified > this.#now;
    const changed = isFromFuture ? this.#now : modified;
    // Such a record must not make old advisories look fresh either.
    if (!isFromFuture && changed > this.#newest) this.#newest = changed;
    this.#insert.advisory.run(
      ++this.#advisoryId,
      this.#sourceId,
      id,
      changed,
      withdrawn ? 1 : 0,
      bodyOfAdvisory(record),
    );
    if (withdrawn) return;
    for (const each of affected) this.#addAffected(each);
    const all = [...ratings, ...affected.flatMap((each) => each.ratings)].filter(
      ({ isDistribution }) => !isDistribution,
    );
    if (all.length === 0) return;
    const worth = new Set(all.map((rating) => JSON.stringify(rating)));
    for (const cve of [id, ...record.aliases].filter(isCve)) {
      for (const body of worth) this.#insert.rating.run(this.#sourceId, cve, body);
    }
  }

  #addAffected(affected: Affected): void {
    const { ecosystem, release, name } = affected;
    const fixed = isFixed(affected) ? 1 : 0;
    this.#insert.affected.run(this.#advisoryId, ecosystem, release, name, fixed, bodyOfAffected(affected));
  }

  #addFact(fact: Fact): void {
    this.#records++;
    const source = this.#sourceId;
    if (fact.kind === 'rating') this.#insert.rating.run(source, fact.cve, JSON.stringify(fact.rating));
    else if (fact.kind === 'published') this.#insert.published.run(source, fact.cve, fact.at);
    else if (fact.kind === 'exploited') this.#insert.exploited.run(source, fact.cve, fact.added);
    else if (fact.kind === 'probability') {
      this.#insert.probability.run(source, fact.cve, fact.probability);
    } else this.#insert.lifecycle.run(source, fact.product, fact.cycle, fact.end);
  }

  #addBad(place: string, reason: string): void {
    this.#bad++;
    if (this.#badRecords.length < namedBadRecords) this.#badRecords.push({ place, reason });
  }

  #largest(table: 'source' | 'advisory'): number {
    return Number(this.#db.prepare(`select max(id) as id from ${table}`).get()?.['id'] ?? 0);
  }
}

/** JSON of the fields that no query selects by. Most lists are empty, so it leaves them out. */
function bodyOfAdvisory({ aliases, upstream, title, url, published, malicious, ratings }: Advisory): string {
  return JSON.stringify({
    aliases: unlessEmpty(aliases),
    upstream: unlessEmpty(upstream),
    title,
    url,
    published,
    malicious: malicious || undefined,
    ratings: unlessEmpty(ratings),
  });
}

function bodyOfAffected({ ranges, versions, constraint, status, module, ratings }: Affected): string {
  return JSON.stringify({
    ranges: unlessEmpty(ranges),
    versions: unlessEmpty(versions),
    constraint,
    status,
    module,
    ratings: unlessEmpty(ratings),
  });
}

function unlessEmpty<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Servers that share a file know by this which one is later, even where a clock is wrong. */
function momentAfter(time: string): string {
  return new Date(Date.parse(time) + 1).toISOString();
}

function summaryOf(db: DatabaseSync): Readonly<Record<string, string>> {
  const one = (sql: string) => String(Object.values(db.prepare(sql).get() ?? {})[0] ?? '');
  const ecosystems = db
    .prepare(
      `select ecosystem, count(distinct advisory) as advisories, json_group_array(distinct release) as releases
        from affected where superseded = 0 group by ecosystem order by ecosystem`,
    )
    .all();
  return {
    revision: revisionOf(db),
    count: one('select count(*) from advisory where withdrawn = 0'),
    newest: one('select max(newest) from source'),
    ecosystems: JSON.stringify(ecosystems.map(({ ecosystem, advisories }) => ({ ecosystem, advisories }))),
    releases: JSON.stringify(
      Object.fromEntries(
        ecosystems.map(({ ecosystem, releases }) => [String(ecosystem), JSON.parse(String(releases))]),
      ),
    ),
  };
}

/**
 * Identifies the content, independent of when and in which order it was imported: the same files with the same dates, and
 * the same times of fixes, give the same revision.
 */
function revisionOf(db: DatabaseSync): string {
  const sources = db.prepare('select name, form, digest, newest from source order by name').all();
  const hash = createHash('sha256').update(JSON.stringify([formVersion, sources]));
  const seen = db.prepare(
    `select a.name as id, f.ecosystem, f.release, f.name, f.fix_since
      from affected f join advisory a on a.id = f.advisory where f.fix_since is not null order by 1, 2, 3, 4, 5`,
  );
  for (const row of seen.iterate()) hash.update(JSON.stringify(Object.values(row)));
  return hash.digest('hex').slice(0, 16);
}
