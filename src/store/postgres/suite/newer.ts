/** What a Ward makes of a database that a newer one has upgraded. */
import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Migrations, WardMigration } from '../../migrations/min-reader.ts';
import { namespaceRow } from '../../suite/context.ts';
import { postgresMigrations } from '../migrations/index.ts';
import { openPostgresStore } from '../open.ts';
import { openDatabase } from '../open-database.ts';

const added = '0998-added';
const cut = '0999-cut';

interface Options {
  /** Of a migrated database without rows. */
  readonly newUrl: () => Promise<string>;
  readonly admin: (sql: string, url: string) => Promise<unknown>;
}

export function newerDatabaseTests({ newUrl, admin }: Options): void {
  const older = async (url: string, isReader = false) => {
    const told: string[] = [];
    await using store = await openPostgresStore({
      url,
      isReader,
      onNewer: (migration) => told.push(migration),
    });
    if (!isReader) await store.namespaces.create(namespaceRow('guest'));
    return { told, count: await store.namespaces.count() };
  };

  test('goes on with one to which migrations have only added, and says so', async () => {
    const url = await newUrl();
    await newerWard(url, { [added]: adding });
    expect(await older(url)).toEqual({ told: [added], count: 1 });
    expect(await older(url, true)).toEqual({ told: [added], count: 1 });
    await expect(openPostgresStore({ url })).rejects.toMatchObject({
      code: 'STORE_NEWER',
      hint: expect.stringContaining('Use the newer Ward'),
    });
    await expect(openPostgresStore({ url, isReader: true })).rejects.toMatchObject({ code: 'STORE_UNFIT' });
  });

  test('refuses one that a migration has taken from, and changes nothing in it', async () => {
    const url = await newUrl();
    await newerWard(url, { [added]: adding, [cut]: cutting });
    await newerWard(url, { [added]: adding, [cut]: cutting, '1000-added': adding2 });
    await expect(older(url)).rejects.toMatchObject({
      code: 'STORE_NEWER',
      message: expect.stringContaining('1000-added'),
      hint: expect.stringContaining('Run the newer Ward'),
    });
    await expect(older(url, true)).rejects.toMatchObject({ code: 'STORE_UNFIT' });
    const told: string[] = [];
    await newerWard(url, { [added]: adding, [cut]: cutting }, told);
    await expect(newerWard(url, { [added]: adding }, told)).rejects.toMatchObject({ code: 'STORE_NEWER' });
    expect(told).toEqual(['1000-added']);
  });

  test('refuses one whose note of the oldest Ward is not exactly one known migration', async () => {
    const url = await newUrl();
    await newerWard(url, { [added]: adding });
    for (const spoil of [
      `update min_reader set migration = ''`,
      'alter table min_reader alter migration drop not null; update min_reader set migration = null',
      'delete from min_reader',
      `alter table min_reader drop constraint min_reader_pkey, drop constraint min_reader_one_check;
       insert into min_reader values (1, '0023-min-reader'), (2, '0023-min-reader')`,
      'drop table min_reader',
    ]) {
      await admin(spoil, url);
      await expect(older(url), spoil).rejects.toMatchObject({ code: 'STORE_NEWER' });
    }
  });

  test('refuses one of another line, which lacks a migration of its own', async () => {
    const url = await newUrl();
    await newerWard(url, { [added]: adding });
    await expect(newerWard(url, { '0997-ours': adding2 }, [])).rejects.toMatchObject({ code: 'STORE_NEWER' });
  });
}

const adding = statement('alter table namespaces add column added text', true);
const adding2 = statement('create table added (id text primary key)', true);
const cutting = statement('alter table namespaces drop column added', false);

function statement(text: string, isExpandOnly: boolean): WardMigration {
  return { isExpandOnly, up: async (db: Kysely<unknown>) => void (await sql.raw(text).execute(db)) };
}

/** Opens the database as a Ward that has these migrations, too. */
async function newerWard(url: string, more: Migrations, told?: string[]): Promise<void> {
  const onNewer = told === undefined ? undefined : (migration: string) => void told.push(migration);
  const { pool } = await openDatabase({ url, onNewer }, { ...postgresMigrations, ...more });
  await pool.close();
}
