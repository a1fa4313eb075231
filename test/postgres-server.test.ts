/** `ward up` on PostgreSQL, with a server of PostgreSQL that crashes and comes back. */
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runInFolder } from '../src/cli/in-process.fixture.ts';
import { migrations as registryMigrations } from '../src/content/postgres/migrations.ts';
import { migrations as gateMigrations } from '../src/gate/store/postgres/migrations.ts';
import { runCommand } from '../src/lib/index.ts';
import { postgresMigrations } from '../src/store/postgres/migrations/index.ts';
import { openDatabase, openSchema } from '../src/store/postgres/open-database.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';
import { launcher, missingForSandboxes, outsideEnv, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? (await missingForPostgres());
const server = missing === undefined ? await startPostgres({ isDurable: true }) : undefined;
const store = server?.url('ward') ?? '';
const quick = 'const main = ({ n }) => ({ n })';
const slow = 'const main = ({ n }) => new Promise((done) => setTimeout(() => done({ n }), 1500))';

describe.skipIf(missing !== undefined)(`ward up on PostgreSQL${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  const command = (...words: string[]) => ward.cli([...words, '--data', ward.dataDir], { WARD_STORE: store });

  beforeAll(async () => {
    await server?.admin('create database ward');
    await server?.admin('create role reader login in role pg_read_all_data');
    await server?.admin('alter role reader set default_transaction_read_only = on');
    ward = await Ward.start({ store });
    for (const [name, code] of Object.entries({ quick, slow })) await ward.deploy(name, code);
    const body = { parameters: [{ key: 'secret', value: 's' }] };
    await ward.request('PUT', '/api/v1/namespaces/_/packages/sealed', { body });
  });
  afterAll(async () => {
    await ward[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  test('calls run, and operators’ commands work beside the server', async () => {
    expect((await ward.invoke('quick', { n: 1 })).body.response.result).toEqual({ n: 1 });
    const created = await command('namespace', 'create', 'acme', '-o', 'json');
    const { key } = JSON.parse(created.stdout);
    await ward.until(
      async () => (await ward.request('GET', '/api/v1/namespaces', { auth: key })).status === 200,
    );
    const rotated = await command('vault', 'rotate', '-o', 'json');
    expect(JSON.parse(rotated.stdout)).toMatchObject({ rewritten: 1, unreadable: 0 });
    const audited = await command('audit', 'verify', '-o', 'json');
    expect(JSON.parse(audited.stdout)).toMatchObject({ isIntact: true });
  });

  test('fsck tells what is damaged, as a user of PostgreSQL who may not write', async () => {
    const blobs = (area: string) => join(ward.dataDir, area, 'blobs', 'sha256');
    const [missing = '', changed = ''] = (await readdir(blobs('code'))).map((name) =>
      join(blobs('code'), name),
    );
    const whole = await readFile(changed);
    const wrong = join(blobs('registry'), 'a'.repeat(64));
    await mkdir(blobs('registry'), { recursive: true });
    await rename(missing, `${missing}.away`);
    await appendFile(changed, 'x');
    await writeFile(wrong, 'x');
    const asReader = {
      WARD_STORE: store.replace('ward@', 'reader@'),
      // Another test checks the images of this machine, which takes long.
      WARD_IMAGES: join(ward.dataDir, 'no-images'),
    };
    const { stdout, stderr } = await ward.cli(['fsck', '--data', ward.dataDir, '-o', 'json'], asReader);
    await writeFile(changed, whole);
    await rename(`${missing}.away`, missing);
    await rm(wrong);
    expect(stdout, stderr).toContain('findings');
    const { checked, findings } = JSON.parse(stdout);
    expect(checked).toMatchObject({ keys: 2 });
    const told = findings.map(({ area, problem }: Record<string, string>) => [area, problem]);
    expect(told.sort()).toEqual([
      ['code', expect.stringContaining('does not match')],
      ['code', 'is missing'],
      ['registry', expect.stringContaining('does not match')],
    ]);
  });

  test('a crash of PostgreSQL refuses calls that need it, until it is back; nothing is lost', async () => {
    const running = ward.invoke('slow', { n: 2 });
    const accepted = await ward.request('POST', '/api/v1/namespaces/_/actions/slow', { body: { n: 3 } });
    expect(accepted.status).toBe(202);
    await server?.crash();
    const refused = await ward.request('POST', '/api/v1/namespaces/_/actions/slow', { body: { n: 4 } });
    expect(refused).toMatchObject({ status: 503, body: { error: expect.any(String) } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await running).body.response.result).toEqual({ n: 2 });
    await server?.start();
    await ward.until(async () => (await ward.invoke('quick', { n: 5 })).status === 200);
    expect((await ward.activation((await running).body.activationId)).response.result).toEqual({ n: 2 });
    expect((await ward.activation(accepted.body.activationId)).response.result).toEqual({ n: 3 });
  });

  test('a database that takes no writes refuses what needs them, until it does; nothing is lost', async () => {
    const running = ward.invoke('slow', { n: 8 });
    const accepted = await ward.request('POST', '/api/v1/namespaces/_/actions/slow', { body: { n: 9 } });
    const refused = { status: 503, body: { error: expect.stringContaining('takes no writes') } };
    {
      await using _ = await readOnly();
      const exec = { kind: 'nodejs:24', code: quick };
      const deploy = () =>
        ward.request('PUT', '/api/v1/namespaces/_/actions/new?overwrite=true', { body: { exec } });
      // Connections that are open hear of it a moment later.
      await ward.until(async () => (await deploy()).status === 503);
      const accept = ward.request('POST', '/api/v1/namespaces/_/actions/slow', { body: { n: 10 } });
      for (const answer of [await deploy(), await accept]) {
        expect(answer).toMatchObject(refused);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect((await running).body.response.result).toEqual({ n: 8 });
      // Its record can't be written, and calls are refused from then on.
      await ward.until(async () => (await ward.invoke('quick', { n: 11 })).status === 503);
      expect((await ward.request('GET', '/api/v1/namespaces/_/actions')).status).toBe(200);
    }
    await ward.until(async () => (await ward.invoke('quick', { n: 12 })).status === 200);
    expect((await ward.activation((await running).body.activationId)).response.result).toEqual({ n: 8 });
    expect((await ward.activation(accepted.body.activationId)).response.result).toEqual({ n: 9 });
  });

  test('accepted calls of a killed server run after its next start, also when a newer Ward has added to the tables', async () => {
    const accepted = await ward.request('POST', '/api/v1/namespaces/_/actions/slow', { body: { n: 6 } });
    expect(accepted.status).toBe(202);
    await ward.kill();
    await upgradeTables();
    const restarted = await Ward.startSaying({ store }, ward.dataDir);
    ward = restarted.ward;
    const { response } = await ward.activation(accepted.body.activationId);
    // It may have begun before the kill.
    expect([{ n: 6 }, { error: expect.stringContaining('interrupted') }]).toContainEqual(response.result);
    expect((await ward.invoke('quick', { n: 7 })).body.response.result).toEqual({ n: 7 });
    for (const room of ['state', 'gate', 'registry'])
      expect(restarted.said()).toMatch(new RegExp(`"migration":"0999-${room}".*a newer Ward has upgraded`));
    expect((await command('namespace', 'list', '--all')).stdout).toContain('acme');
    // It would leave what the newer Ward has encrypted.
    expect(await command('vault', 'rotate')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('STORE_NEWER'),
    });
  });

  test('what is only for files is refused, and the folder is not used without PostgreSQL', async () => {
    const refused = (words: readonly string[], env: NodeJS.ProcessEnv) =>
      runInFolder([...words, '--data', ward.dataDir], { env, cwd: ward.dataDir });
    expect(await refused(['backup', 'b'], { WARD_STORE: store })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/BACKUP_ELSEWHERE[\s\S]*pg_dump/),
    });
    expect(await refused(['namespace', 'list', '--all'], {})).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('DATA_DIR_OTHER_STORE'),
    });
  });

  test('a database that does not exist: the start says so without the password, and ends with 7', async () => {
    const url = store.replace('ward@', 'ward:secret@').replace('/ward?', '/none?');
    const { code, stdout, stderr } = await runCommand(
      [process.execPath, launcher, 'up', '--listen', '127.0.0.1:0', '--data', join(ward.dataDir, 'other')],
      { env: { ...outsideEnv(), WARD_STORE: url } },
    );
    expect({ code, stderr }).toEqual({
      code: 7,
      stderr: expect.stringMatching(/STORE_REFUSED.*does not exist/),
    });
    expect(stdout + stderr).not.toContain('secret');
  });
});

/** Makes the server refuse all writes, as a standby does, until the returned object is disposed. */
async function readOnly(): Promise<AsyncDisposable> {
  const writing = new URLSearchParams({ options: '-c default_transaction_read_only=off' });
  const change = async (words: string) => {
    await server?.admin(`alter system ${words}`, `${server.url('postgres')}&${writing}`);
    await server?.admin('select pg_reload_conf()');
  };
  await change('set default_transaction_read_only = on');
  return { [Symbol.asyncDispose]: () => change('reset default_transaction_read_only') };
}

/** As the first start of a newer Ward does, whose migrations only add. */
async function upgradeTables(): Promise<void> {
  const adding = (text: string) => ({ isExpandOnly: true, statements: `alter table ${text} add added text` });
  const pools = await Promise.all([
    openDatabase(
      { url: store },
      {
        ...postgresMigrations,
        '0999-state': {
          isExpandOnly: true,
          up: async (db: Kysely<unknown>) =>
            void (await sql`alter table namespaces add added text`.execute(db)),
        },
      },
    ).then(({ pool }) => pool),
    openSchema({
      url: store,
      schema: 'gate',
      migrations: { ...gateMigrations, '0999-gate': adding('gate.reports') },
    }),
    openSchema({
      url: store,
      schema: 'registry',
      migrations: { ...registryMigrations, '0999-registry': adding('registry.tags') },
    }),
  ]);
  for (const pool of pools) await pool.close();
}
