/** Servers with a data folder each and one PostgreSQL database. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataPaths } from '../src/server/instance/instance.ts';
import { startApiRole } from '../src/server/platform/api-role-process.fixture.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';

const newKeys = () => `one:${randomBytes(32).toString('base64')}`;
const basic = (key: string) => `Basic ${Buffer.from(key).toString('base64')}`;

test('two that start at once make one first namespace, and accept each other’s tokens', async (context) => {
  const missing = await missingForPostgres();
  if (missing !== undefined) return context.skip(missing);
  await using postgres = await startPostgres();
  await postgres.admin('create database ward');
  await using folder = await newFolder();
  const folders = ['a', 'b'].map((name) => join(folder.path, name));
  const other = join(folder.path, 'c');
  for (const dir of [...folders, other]) await mkdir(dir);
  const env = { WARD_STORE: postgres.url('ward'), WARD_PARAMETER_KEYS: newKeys() };
  await using stack = new AsyncDisposableStack();
  const servers = await Promise.all(folders.map(async (dir) => stack.use(await startApiRole(dir, { env }))));

  const keyFiles = folders.map((dir) => dataPaths(dir).guestKey).filter((file) => existsSync(file));
  expect(keyFiles).toHaveLength(1);
  const authorization = basic((await readFile(keyFiles[0] ?? '', 'utf8')).trim());
  const answers = await Promise.all(
    servers.map(({ url }) => fetch(`${url}/api/v1/namespaces`, { headers: { authorization } })),
  );
  expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual([['guest'], ['guest']]);

  const [first, second] = servers.map(({ url }) => url);
  const asked = await fetch(`${first}/v2/token?scope=registry:catalog:*`, { headers: { authorization } });
  const { token } = Object(await asked.json());
  const bearer = (value: string) => ({ headers: { authorization: `Bearer ${value}` } });
  expect((await fetch(`${second}/v2/_catalog`, bearer(token))).status).toBe(200);
  expect((await fetch(`${second}/v2/_catalog`, bearer(`${token.slice(0, -4)}AAAA`))).status).toBe(401);

  const third = startApiRole(other, { env: { ...env, WARD_PARAMETER_KEYS: newKeys() } });
  await expect(third).rejects.toThrow('PARAMETER_KEYS_DIFFER');
});

async function newFolder() {
  const path = await mkdtemp(join(tmpdir(), 'ward-shared-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
