/** From one machine to PostgreSQL and back, with a server that runs, and with what a user sees before and after. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../src/blobs/index.ts';
import { openPostgresStore } from '../src/store/index.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';
import { namespaceRow } from '../src/store/suite/context.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';

const missing = missingForSandboxes() ?? (await missingForPostgres());
const server = missing === undefined ? await startPostgres() : undefined;
const store = server?.url('ward') ?? '';
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
    await server?.[Symbol.asyncDispose]();
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
    const second = await migrate(store);
    expect(second, second.stderr).toMatchObject({ code: 0, moved: { isComplete: true } });
    expect([second.written('activations'), second.written('keys')]).toEqual([1, 0]);

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
