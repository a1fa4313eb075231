/**
 * Where the servers of end-to-end tests keep their databases. `WARD_TEST_STORE=postgres npm test -- FILE…` starts one
 * PostgreSQL server for the run, and gives each data folder a database of its own in it.
 */
import { createHash } from 'node:crypto';

interface TestStore extends AsyncDisposable {
  /** Tells the processes of the tests where it is. */
  readonly env: NodeJS.ProcessEnv;
}

const alreadyThere = '42P04';

/** @throws Error when the tests should run on PostgreSQL, and it is not installed */
export async function startTestStore(): Promise<TestStore> {
  const wanted = process.env['WARD_TEST_STORE'];
  if (wanted === undefined) return { env: {}, [Symbol.asyncDispose]: async () => {} };
  const { missingForPostgres, startPostgres } = await import('../src/store/postgres/server.fixture.ts');
  const missing = wanted === 'postgres' ? await missingForPostgres() : `there is no store '${wanted}'`;
  if (missing !== undefined) throw new Error(`WARD_TEST_STORE: ${missing}`);
  const server = await startPostgres();
  return {
    env: { WARD_TEST_POSTGRES: server.url('postgres') },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Variables for the processes that work on a data folder. The same folder always gets the same database. */
export async function storeOf(dataDir: string): Promise<NodeJS.ProcessEnv> {
  const server = process.env['WARD_TEST_POSTGRES'];
  if (server === undefined) return {};
  const name = `t${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`;
  const { default: pg } = await import('pg');
  const client = new pg.Client(server);
  await client.connect();
  await client.query(`create database ${name}`).catch((error: unknown) => {
    if (!(error instanceof pg.DatabaseError) || error.code !== alreadyThere) throw error;
  });
  await client.end();
  return { WARD_STORE: server.replace('/postgres?', `/${name}?`) };
}
