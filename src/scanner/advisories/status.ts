/** Reports the age and the content of the advisories. */
import { existsSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { corrupt, unreadable } from './importing/old.ts';
import { readState } from './reader.ts';
import { formOf, openReadOnly } from './schema.ts';
import type { AdvisoryStatus, SourceStatus } from './types.ts';

/** Undefined when there are none. @throws Fault ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED */
export function advisoryStatus({ path }: { readonly path: string }): AdvisoryStatus | undefined {
  return existsSync(path) ? read(path, (db) => readStatus(db, statSync(path).size)) : undefined;
}

/** Quick, where the whole status counts many rows. @throws Fault ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED */
export function listSources({ path }: { readonly path: string }): readonly SourceStatus[] {
  return existsSync(path) ? read(path, readSources) : [];
}

function read<T>(path: string, from: (db: DatabaseSync) => T): T {
  let db: DatabaseSync | undefined;
  try {
    db = openReadOnly(path);
    const form = formOf(db);
    if (form !== 'ours') throw unreadable(path, form);
    return from(db);
  } catch (error) {
    throw error instanceof Error && 'errcode' in error ? corrupt(path, error.message) : error;
  } finally {
    db?.close();
  }
}

function readStatus(db: DatabaseSync, sizeBytes: number): AdvisoryStatus {
  const count = (table: string) =>
    Number(db.prepare(`select count(distinct cve) as count from ${table}`).get()?.['count'] ?? 0);
  const ecosystems: AdvisoryStatus['ecosystems'] = JSON.parse(
    String(db.prepare("select value from meta where name = 'ecosystems'").get()?.['value'] ?? '[]'),
  );
  return {
    state: readState(db),
    sizeBytes,
    sources: readSources(db),
    ecosystems,
    exploited: count('exploited'),
    probabilities: count('probability'),
    ratings: count('rating'),
  };
}

function readSources(db: DatabaseSync): readonly SourceStatus[] {
  return db.prepare('select * from source order by name').all().map(toStatus);
}

function toStatus(row: Record<string, unknown>): SourceStatus {
  const optional = (name: string) => (row[name] ? String(row[name]) : undefined);
  return {
    source: String(row['name']),
    form: String(row['form']),
    licence: optional('licence'),
    url: optional('url'),
    importedAt: String(row['imported_at']),
    checkedAt: String(row['checked_at']),
    newest: optional('newest'),
    records: Number(row['records']),
    bad: Number(row['bad']),
    skipped: Number(row['skipped']),
  };
}
