/** From one machine to PostgreSQL and back, with a server that runs, and with what a user sees before and after. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../src/blobs/index.ts';
import { openGateStore, parsePolicy } from '../src/gate/index.ts';
import { newActivationId, runCommand } from '../src/lib/index.ts';
import { policyInForce } from '../src/server/admin/gate.ts';
import { vexInForce } from '../src/server/admin/vex.ts';
import { parseStoreSetting } from '../src/server/config/store-setting.ts';
import { hasDatabaseMark, refuseOtherEngine } from '../src/server/instance/database-mark.ts';
import { databasesOf } from '../src/server/instance/folder-id.ts';
import { type MigrateOptions, migrateStores } from '../src/server/migrate/migrate.ts';
import { openPostgresStore, openStore, type Store } from '../src/store/index.ts';
import { newDatabase } from '../src/store/postgres/databases.fixture.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';
import { activationRow, keyRow, namespaceRow, write } from '../src/store/suite/context.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';

const noPostgres = await missingForPostgres();
const missing = missingForSandboxes() ?? noPostgres;
const server = noPostgres === undefined ? await startPostgres() : undefined;
const store = server?.url('ward') ?? '';
afterAll(() => server?.[Symbol.asyncDispose]());
const gaps = 'form: 1\nrules: { gaps: warn }\n';
const code = 'const main = ({ n }) => { console.log(n); return { n } }';

describe.skipIf(missing !== undefined)(`ward migrate${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  const migrate = async (to: string, env = {}) => {
    const result = await runWard(['migrate', '--to', to, '--data', ward.dataDir, '-o', 'json'], { env });
    const moved = result.code === 0 ? JSON.parse(result.stdout) : undefined;
    const written = (table: string) =>
      moved?.tables.find((each: { table: string }) => each.table === table)?.written;
    return { ...result, moved, written };
  };
  const records = async () => (await ward.request('GET', '/api/v1/namespaces/_/activations')).body.length;
  const registry = async (method: string, path: string, body?: Buffer, type = 'application/octet-stream') => {
    const authorization = `Basic ${Buffer.from(ward.auth).toString('base64')}`;
    const content =
      body === undefined
        ? {}
        : { body: new Uint8Array(body), headers: { authorization, 'content-type': type } };
    const answer = await fetch(new URL(path, ward.url), { method, headers: { authorization }, ...content });
    return {
      status: answer.status,
      location: answer.headers.get('location') ?? '',
      text: await answer.text(),
    };
  };
  /** An artifact whose only part is an empty document. */
  const pushManifest = async () => {
    const part = Buffer.from('{}');
    const { location } = await registry('POST', '/v2/guest/thing/blobs/uploads/');
    await registry('PUT', `${location}${location.includes('?') ? '&' : '?'}digest=${digestOf(part)}`, part);
    const config = {
      mediaType: 'application/vnd.oci.empty.v1+json',
      digest: digestOf(part),
      size: part.length,
    };
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = {
      schemaVersion: 2,
      mediaType: type,
      artifactType: 'text/plain',
      config,
      layers: [config],
    };
    const put = await registry(
      'PUT',
      '/v2/guest/thing/manifests/v1',
      Buffer.from(JSON.stringify(manifest)),
      type,
    );
    expect(put, put.text).toMatchObject({ status: 201 });
  };
  const tags = async () => (await registry('GET', '/v2/guest/thing/tags/list')).text;
  const startAgain = async (config: object) => {
    ward = await Ward.start(config, ward.dataDir);
  };

  beforeAll(async () => {
    await server?.admin('create database ward');
    await server?.admin('create database other');
    ward = await Ward.start();
    await ward.deploy('echo', code);
    for (const n of [1, 2, 3]) await ward.invoke('echo', { n });
    await pushManifest();
  });
  afterAll(async () => {
    await ward[Symbol.asyncDispose]();
  });

  test('copies while the server runs, completes the move when it has stopped, and back', async () => {
    await ward.until(async () => (await records()) === 3);
    const first = await migrate(store);
    expect(first, first.stderr).toMatchObject({ code: 0, moved: { isComplete: false } });
    expect(first.written('activations')).toBe(3);

    // The folder still counts.
    await ward.deploy('late', code);
    await ward.invoke('late', { n: 4 });
    await ward.until(async () => (await records()) === 4);
    expect(await ward.stop()).toBe(0);
    const policy = join(ward.dataDir, 'gate/policy.yaml');
    await writeFile(policy, gaps);
    const vex = join(ward.dataDir, 'gate/vex');
    await mkdir(vex);
    await writeFile(join(vex, 'a.json'), '{"bomFormat": "CycloneDX", "vulnerabilities": []}');
    const second = await migrate(store);
    expect(second, second.stderr).toMatchObject({ code: 0, moved: { isComplete: true } });
    expect([second.written('activations'), second.written('keys')]).toEqual([1, 0]);
    for (const path of [policy, vex])
      expect([existsSync(path), existsSync(`${path}.moved`)]).toEqual([false, true]);

    // A start without the setting would begin anew.
    const forgot = await runWard(['up', '--listen', '127.0.0.1:0', '--data', ward.dataDir]);
    expect(forgot).toMatchObject({ code: 1, stderr: expect.stringContaining('DATA_DIR_OTHER_STORE') });
    await startAgain({ store });
    expect(await records()).toBe(4);
    expect(await tags()).toContain('v1');
    expect((await ward.invoke('late', { n: 5 })).body.response.result).toEqual({ n: 5 });
    await ward.until(async () => (await records()) === 5);
    const audit = await runWard(['audit', 'verify', '--data', ward.dataDir, '-o', 'json'], {
      env: { WARD_STORE: store },
    });
    expect(JSON.parse(audit.stdout)).toMatchObject({ isIntact: true });

    expect(await migrate('folder', { WARD_STORE: store })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('DATA_DIR_BUSY'),
    });
    expect(await ward.stop()).toBe(0);
    const back = await migrate('folder', { WARD_STORE: store });
    expect(back, back.stderr).toMatchObject({ code: 0, moved: { isComplete: true } });
    expect(await policyInForce({ dataDir: ward.dataDir })).toMatchObject({
      source: 'the database',
      policy: { revision: parsePolicy(gaps).revision },
    });
    expect(await vexInForce({ dataDir: ward.dataDir })).toMatchObject({
      source: 'the database',
      vex: { documents: [{ name: 'a.json', statements: 0 }] },
    });
    await startAgain({});
    expect(await records()).toBe(5);
    expect(await tags()).toContain('v1');
    expect((await ward.invoke('echo', { n: 6 })).body.response.result).toEqual({ n: 6 });
  });

  test('does not write over namespaces of another Ward, and refuses a place that can’t be', async () => {
    const url = server?.url('other') ?? '';
    const refused = (what: RegExp) => ({ code: 1, stderr: expect.stringMatching(what) });
    {
      await using other = await openPostgresStore({ url });
      await other.namespaces.create(namespaceRow('theirs'));
      await other.accepted.extend({ node: 'a', leaseMs: 60_000 });
      expect(await migrate(url)).toMatchObject(refused(/MIGRATE_REFUSED.*works on/));
      await other.accepted.leave('a');
    }
    expect(await migrate(url)).toMatchObject(refused(/MIGRATE_REFUSED.*theirs/));
    expect(await migrate('folder')).toMatchObject(refused(/MIGRATE_REFUSED.*already/));
  });
});

/** A folder whose databases have moved to PostgreSQL, where another server works. */
async function startMoved() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ward-migrate-'));
  onTestFinished(() => folder.remove());
  const dataDir = folder.path;
  const { url } = await newDatabase(server);
  const configFile = join(dataDir, 'ward.yaml');
  await writeFile(configFile, `store: ${url}\n`);
  const move = (to: string, options: Partial<MigrateOptions> = {}) => {
    const { signal } = new AbortController();
    return migrateStores({ dataDir, to, signal, onStep: () => {}, ...options });
  };
  const [stateFile, gateFile] = databasesOf(dataDir);
  const openFolder = () => openStore({ path: stateFile });
  // Its audit log is empty.
  await openGateStore({ path: gateFile }).then((gate) => gate.close());
  {
    await using state = await openFolder();
    await state.namespaces.create(namespaceRow('guest'));
  }
  await move(url);
  const other = await openPostgresStore({ url });
  onTestFinished(() => other.close());
  await other.accepted.extend({ node: 'a', leaseMs: 60_000 });
  return {
    ...{ dataDir, url, configFile, other, openFolder, move },
    there: () => move(url),
    back: (options: Partial<MigrateOptions> = {}) => move('folder', { configFile, ...options }),
  };
}

/** Moves until a thousand rows of a table are copied, and is killed there. */
async function killedInCopy(
  options: Omit<MigrateOptions, 'signal' | 'onStep'> & { readonly dataDir: string },
): Promise<void> {
  const program = join(options.dataDir, 'killed.mjs');
  const text = `
    const { migrateStores } = await import(${JSON.stringify(import.meta.resolve('../src/server/migrate/migrate.ts'))});
    const onStep = () => process.kill(process.pid, 'SIGKILL');
    await migrateStores({ ...${JSON.stringify(options)}, signal: new AbortController().signal, onStep });`;
  await writeFile(program, text);
  const { signal, stderr } = await runCommand([process.execPath, program]);
  expect(signal, stderr).toBe('SIGKILL');
}

async function recordsIn({ activations }: Pick<Store, 'activations'>): Promise<readonly string[]> {
  const rows = await activations.list({ namespace: 'guest', skip: 0, limit: 5000 });
  return rows.map(({ activationId }) => activationId).toSorted();
}

describe.skipIf(noPostgres !== undefined)(`a move${noPostgres ? ` (${noPostgres})` : ''}`, () => {
  test('that did not end on its way back does not go forward over the database', async () => {
    const at = await startMoved();
    const { dataDir, other } = at;
    expect(await at.back()).toMatchObject({ isComplete: false });
    await other.keys.create(keyRow());
    await other.accepted.leave('a');

    await expect(at.there()).rejects.toMatchObject({
      code: 'MIGRATE_REFUSED',
      message: expect.stringContaining('belongs to a PostgreSQL database'),
      hint: expect.stringContaining('ward migrate --to folder'),
    });
    expect(await other.keys.list('guest')).toHaveLength(1);
    expect(() => refuseOtherEngine(dataDir, parseStoreSetting(at.url))).toThrow(/did not end/);

    expect(await at.back()).toMatchObject({ isComplete: true });
    await using folder = await at.openFolder();
    expect(await folder.keys.list('guest')).toHaveLength(1);
    expect(hasDatabaseMark(dataDir)).toBe(false);
  });

  test('whose end was interrupted is repeated', async () => {
    const { dataDir, other, there, back } = await startMoved();
    await other.accepted.leave('a');
    await back();
    const [state] = databasesOf(dataDir);
    await rm(`${state}.moved`);
    await mkdir(`${state}.moved`);
    await expect(there()).rejects.toMatchObject({ code: 'EISDIR' });
    await rmdir(`${state}.moved`);
    expect(await there()).toMatchObject({ isComplete: true });
    expect([hasDatabaseMark(dataDir), existsSync(state)]).toEqual([true, false]);
  });

  test('that is killed in the middle is repeated, in both directions', async () => {
    const { dataDir, configFile, other, move, back, openFolder } = await startMoved();
    const ids = Array.from({ length: 2500 }, () => newActivationId()).toSorted();
    await Promise.all(
      ids.map((activationId) => other.activations.append(write(activationRow({ activationId })))),
    );
    await other.accepted.leave('a');

    await killedInCopy({ dataDir, configFile, to: 'folder' });
    expect(hasDatabaseMark(dataDir)).toBe(true);
    expect(await back()).toMatchObject({ isComplete: true });
    {
      await using folder = await openFolder();
      expect(await recordsIn(folder)).toEqual(ids);
    }

    const { url } = await newDatabase(server);
    await killedInCopy({ dataDir, to: url });
    expect(hasDatabaseMark(dataDir)).toBe(false);
    expect(await move(url)).toMatchObject({ isComplete: true });
    await using database = await openPostgresStore({ url });
    expect(await recordsIn(database)).toEqual(ids);
  });

  test('does not end on its way back when a server stops during the copy', async () => {
    const { dataDir, other, back } = await startMoved();
    // A step is told after a thousand rows.
    const records = Array.from({ length: 1000 }, () => other.activations.append(write(activationRow())));
    await Promise.all(records);
    let left: Promise<void> | undefined;
    const onStep = () => {
      left ??= other.accepted.leave('a');
    };
    expect(await back({ onStep })).toMatchObject({ isComplete: false });
    expect(left).toBeDefined();
    await left;
    expect(hasDatabaseMark(dataDir)).toBe(true);
  });
});
