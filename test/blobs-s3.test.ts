/** `ward up` with its blobs in an S3-compatible store, which goes away and comes back. */
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../src/blobs/s3/fault-proxy.fixture.ts';
import { missingForMoto, startMoto, type TestServer, testBucket } from '../src/blobs/s3/moto.fixture.ts';
import { tarOf, writeTestImage } from '../src/images/images.fixture.ts';
import { runCommand } from '../src/lib/index.ts';
import { missingForSandboxes, runWard, startWard, Ward } from './ward.ts';

const hasSkopeo = await runCommand(['skopeo', '--version']).then(
  ({ code }) => code === 0,
  () => false,
);
const missing =
  missingForSandboxes() ?? (await missingForMoto()) ?? (hasSkopeo ? undefined : 'skopeo is not installed');

describe.skipIf(missing !== undefined)(`ward up with blobs in S3${missing ? ` (${missing})` : ''}`, () => {
  let moto: TestServer;
  let proxy: FaultProxy;
  let blobs: string;
  let ward: Ward;

  beforeAll(async () => {
    moto = await startMoto();
    proxy = await startFaultProxy(moto.url);
    blobs = `s3://${testBucket}/ward?endpoint=${proxy.url}&cache=100m`;
    ward = await Ward.start();
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await moto?.[Symbol.asyncDispose]();
  });

  const skopeo = async (...words: readonly string[]) => {
    const done = await runCommand(['skopeo', '--insecure-policy', 'copy', ...words], { timeoutMs: 60_000 });
    expect(done).toMatchObject({ code: 0 });
  };

  test('starts with code from its data folder, once that is moved', async () => {
    await ward.deploy('old', 'const main = () => ({ old: true })');
    const move = () =>
      runWard(['migrate', '--blobs', '--data', ward.dataDir], { env: { WARD_BLOBS: blobs } });
    expect(await move()).toMatchObject({ code: 0, stderr: expect.stringContaining('as of one moment') });
    await ward.stop();
    const unmoved = Ward.start({ blobs }, ward.dataDir);
    await expect(unmoved).rejects.toThrow(/BLOBS_NOT_MOVED.*ward migrate --blobs/s);
    const moved = await move();
    expect(moved, moved.stderr).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('read each one back'),
    });
    ward = await Ward.start({ blobs }, ward.dataDir);
    expect((await ward.invoke('old')).body.response.result).toEqual({ old: true });
  });

  test('deploys, calls, pushes and pulls; the bytes are in the bucket, and no blob is in the data folder', async () => {
    await ward.deploy('hello', 'const main = ({ n }) => ({ n })');
    expect((await ward.invoke('hello', { n: 1 })).body.response.result).toEqual({ n: 1 });
    expect(await moto.keys('ward/code/sha256/')).not.toHaveLength(0);
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-s3-image-'));
    await writeTestImage(join(folder.path, 'layout'), {
      tag: 'v1',
      layers: [await tarOf([{ name: 'app/data', content: 'x'.repeat(100_000) }])],
    });
    const image = `docker://${new URL(ward.url).host}/guest/app:v1`;
    await skopeo(
      ...['--dest-tls-verify=false', '--dest-creds', ward.auth],
      `oci:${folder.path}/layout:v1`,
      image,
    );
    const pushed = await readdir(join(folder.path, 'layout', 'blobs', 'sha256'));
    const keys = pushed.map((hex) => `ward/registry/sha256/${hex}`);
    expect(await moto.keys('ward/registry/sha256/')).toEqual(expect.arrayContaining(keys));
    await rm(join(ward.dataDir, 'registry', 'cache'), { recursive: true });
    await mkdir(join(ward.dataDir, 'registry', 'cache'), { mode: 0o777 });
    await runCommand([
      'chown',
      '--reference',
      join(ward.dataDir, 'registry'),
      join(ward.dataDir, 'registry', 'cache'),
    ]);
    await skopeo(
      ...['--src-tls-verify=false', '--src-creds', ward.auth],
      image,
      `oci:${folder.path}/pulled:v1`,
    );
    const pulled = await readdir(join(folder.path, 'pulled', 'blobs', 'sha256'));
    expect(pulled.toSorted()).toEqual(pushed.toSorted());
    for (const part of ['code', 'registry'])
      await expect(readdir(join(ward.dataDir, part, 'blobs'))).rejects.toThrow('ENOENT');
  });

  test('a check beside the server tells what the bucket lacks', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-s3-images-'));
    const fsck = async () => {
      const env = { WARD_BLOBS: blobs, WARD_IMAGES: folder.path };
      const { code, stdout } = await runWard(['fsck', '--data', ward.dataDir, '-o', 'json'], { env });
      return { code, findings: JSON.parse(stdout).findings };
    };
    expect(await fsck()).toEqual({ code: 0, findings: [] });
    const [key = ''] = await moto.keys('ward/registry/sha256/');
    const bytes = await moto.get(key);
    await moto.remove(key);
    const found = await fsck();
    if (bytes !== undefined) await moto.put(key, new Uint8Array(bytes));
    expect(found).toMatchObject({
      code: 1,
      findings: [{ area: 'registry', problem: 'is missing in the bucket', of: /guest\/app/ }].map((each) => ({
        ...each,
        of: expect.stringMatching(each.of),
      })),
    });
  });

  test('a bucket that is away refuses deploys, and lets warm calls go on, until it is back', async () => {
    expect((await ward.invoke('hello', { n: 2 })).status).toBe(200);
    proxy.breakage = () => ({ kind: 'instead', status: 503, body: '<Error><Code>SlowDown</Code></Error>' });
    expect((await ward.invoke('hello', { n: 3 })).body.response.result).toEqual({ n: 3 });
    const put = () =>
      ward.request('PUT', '/api/v1/namespaces/_/actions/new', {
        body: { exec: { kind: 'nodejs:default', code: 'const main = () => ({ new: true })' } },
      });
    const refused = await put();
    proxy.breakage = () => undefined;
    expect(refused).toMatchObject({
      status: 503,
      body: { error: expect.stringMatching(/^The server does not reach its object store/) },
    });
    expect(refused.headers.get('x-ward-fault')).toBe('BLOB_STORE_UNREACHABLE');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await put()).status).toBe(200);
    expect((await ward.invoke('new')).body.response.result).toEqual({ new: true });
  });

  test('a start with an empty cache fetches what it needs', async () => {
    await ward.stop();
    await rm(join(ward.dataDir, 'code', 'cache'), { recursive: true });
    ward = await Ward.start({ blobs }, ward.dataDir);
    expect((await ward.invoke('hello', { n: 4 })).body.response.result).toEqual({ n: 4 });
  });

  test('a Ward with another database does not start on the same prefix', async () => {
    await expect(Ward.start({ blobs })).rejects.toThrow(/BLOBS_OTHER_STORE.*another database/s);
    expect(await moto.keys('ward/owners/')).toHaveLength(1);
  });

  test('a backup is refused, because the blobs are elsewhere', async () => {
    const env = { WARD_BLOBS: blobs };
    expect(await runWard(['backup', join(ward.dataDir, 'b'), '--data', ward.dataDir], { env })).toMatchObject(
      {
        code: 1,
        stderr: expect.stringContaining('BACKUP_ELSEWHERE'),
      },
    );
  });

  test('goes back to its data folder, also when the first move is killed in the middle', async () => {
    await ward.stop();
    const config = join(ward.dataDir, 'config.yaml');
    const back = ['migrate', '--blobs', '--to', 'folder', '--data', ward.dataDir, '--config', config];
    const [last] = await moto.keys('ward/registry/sha256/');
    const never = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    proxy.hold = async ({ method, path }) => {
      if (method !== 'GET' || !path.includes(last ?? '')) return;
      asked.resolve();
      await never.promise;
    };
    const first = startWard(back);
    const ended = once(first, 'exit');
    await asked.promise;
    first.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    never.resolve();
    proxy.hold = async () => {};
    proxy.requests.length = 0;
    const second = await runWard(back);
    expect(second, second.stderr).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('read each one back'),
    });
    const read = proxy.requests.filter(({ method, path }) => method === 'GET' && !path.includes('list-type'));
    expect(read.some(({ path }) => path.includes(last ?? ''))).toBe(true);
    expect(read.some(({ path }) => path.includes('/code/sha256/'))).toBe(false);
    ward = await Ward.start({}, ward.dataDir);
    for (const name of ['old', 'hello', 'new']) expect((await ward.invoke(name)).status).toBe(200);
  });
});
