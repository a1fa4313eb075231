import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';

const program = join(import.meta.dirname, 'upgrade-database.ts');
const run = (env: NodeJS.ProcessEnv) =>
  runCommand([process.execPath, program], {
    env: { PATH: process.env['PATH'], WARD_DATA: join(tmpdir(), 'ward-no-folder', 'data'), ...env },
    timeoutMs: 60_000,
  });

test('makes the tables of an empty database, and leaves them the second time', async (context) => {
  const reason = await missingForPostgres();
  if (reason !== undefined) return context.skip(reason);
  await using server = await startPostgres();
  await server.admin('create database ward');
  const url = server.url('ward');
  const tables = async () => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      const sql = `select schemaname || '.' || tablename as name from pg_tables where schemaname in ('public', 'gate', 'registry')`;
      return (await client.query<{ name: string }>(sql)).rows.map(({ name }) => name).toSorted();
    } finally {
      await client.end();
    }
  };
  expect(await tables()).toEqual([]);
  expect(await run({ WARD_STORE: url })).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^upgraded /),
  });
  const made = await tables();
  expect(made).toEqual(expect.arrayContaining(['public.entities', 'gate.audit', 'registry.manifests']));
  expect(await run({ WARD_STORE: url })).toMatchObject({ code: 0 });
  expect(await tables()).toEqual(made);
});

test.each([
  [
    'a database that does not answer',
    { WARD_STORE: 'postgres://ward@127.0.0.1:1/ward' },
    'error[STORE_UNREACHABLE]',
  ],
  ['no database server', {}, 'store is not set'],
])('%s: fails and says why', async (_, env, told) => {
  expect(await run(env)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(told) });
});
