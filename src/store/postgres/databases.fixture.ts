/** Databases on a private PostgreSQL server, and transactions of others that hold locks in them. */
import pg from 'pg';
import { expect } from 'vitest';
import { randomHex } from '../../lib/index.ts';
import type { PostgresServer } from './server.fixture.ts';

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
}

export async function newDatabase(server: PostgresServer | undefined, settings = ''): Promise<TestDatabase> {
  const name = `t${randomHex(8)}`;
  await server?.admin(`create database ${name} ${settings}`);
  return { name, url: server?.url(name) ?? '' };
}

/** Makes copies of a database that has its tables, which spares each test the migrations. */
export function copiesOf(
  server: PostgresServer | undefined,
  migrate: (url: string) => Promise<void>,
): () => Promise<TestDatabase> {
  let migrated: Promise<string> | undefined;
  return async () => {
    migrated ??= newDatabase(server).then(async ({ name, url }) => {
      await migrate(url);
      return name;
    });
    // Without a disk to wait for, copied files take a third of the time that copied pages take in the log.
    return newDatabase(server, `template ${await migrated} strategy file_copy`);
  };
}

/** A transaction that holds its locks until it commits. */
export async function transactionOn(url: string) {
  const [client, watcher] = [new pg.Client(url), new pg.Client(url)];
  await Promise.all([client.connect(), watcher.connect()]);
  await client.query('begin');
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  return {
    query: async (sql: string): Promise<readonly unknown[]> => (await client.query(sql)).rows,
    /** Waits until as many connections wait for locks. */
    untilWaiting: (count: number) =>
      expect.poll(async () => (await watcher.query(waiting)).rowCount).toBe(count),
    async [Symbol.asyncDispose]() {
      await Promise.all([client.end(), watcher.end()]);
    },
  };
}
