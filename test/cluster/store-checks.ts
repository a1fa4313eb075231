/** Questions to the database and the bucket of a cluster that nothing uses any more. */
import pg from 'pg';
import type { Engines } from './engines.ts';

/** Code that an entity names and the bucket does not have. */
export async function missingCode(engines: Engines): Promise<readonly string[]> {
  const rows = await ask<{ digest: string }>(
    engines,
    'select distinct code_digest as digest from entities where code_digest is not null',
  );
  const there = (await codeKeys(engines)).join(' ');
  return rows
    .filter(({ digest }) => !there.includes(digest.replace(/^sha256:/, '')))
    .map(({ digest }) => `code that an action names is missing: ${digest}`);
}

/** The stamps of code by its digest. */
export async function codeStamps(engines: Engines): Promise<ReadonlyMap<string, string>> {
  const sql = 'select digest, stamp from code_marks where removal is null';
  const rows = await ask<{ digest: string; stamp: string }>(engines, sql);
  return new Map(rows.map(({ digest, stamp }) => [digest, stamp]));
}

export async function codeKeys({ moto }: Engines): Promise<readonly string[]> {
  return await moto.keys('ward/code/');
}

export async function layerKeys({ moto }: Engines): Promise<readonly string[]> {
  return await moto.keys('ward/registry/');
}

/** The blobs that a repository has. */
export async function blobsOf(engines: Engines, repository: string): Promise<readonly string[]> {
  const sql = 'select digest from registry.links where repository = $1';
  return (await ask<{ digest: string }>(engines, sql, repository)).map(({ digest }) => digest);
}

async function ask<Row extends pg.QueryResultRow>(
  { settings }: Engines,
  sql: string,
  ...values: readonly string[]
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: settings.store });
  await client.connect();
  try {
    return (await client.query<Row>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}
