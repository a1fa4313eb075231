/** Uploads to a store that checks how they are signed. */
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { digestHex, digestOf } from '../digest.ts';
import { parseBlobLocation } from '../location.ts';
import { Bucket, type BucketTimes, partBytes } from './bucket.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.fixture.ts';
import {
  type AccessKey,
  missingForMoto,
  requireSignatures,
  startMoto,
  type TestServer,
  testBucket,
} from './moto.fixture.ts';

const times: BucketTimes = { connectMs: 1000, answerMs: 10_000, idleMs: 10_000, tries: 3 };
const layer = randomBytes(5 * 1024 * 1024);

let missing: string | undefined;
let moto: TestServer;
let proxy: FaultProxy;
let key: AccessKey;

beforeEach((context) => context.skip(missing !== undefined, missing));

beforeAll(async () => {
  missing = await missingForMoto();
  if (missing !== undefined) return;
  moto = await startMoto();
  key = await requireSignatures(moto.url);
  // moto checks the signature, but not the hash of the body that is signed.
  proxy = await startFaultProxy(moto.url);
  proxy.breakage = () => ({ kind: 'hash' });
}, 60_000);

afterEach(() => void vi.unstubAllEnvs());

afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await moto?.[Symbol.asyncDispose]();
});

function openBucket({ id, secret }: AccessKey): Bucket {
  vi.stubEnv('AWS_ACCESS_KEY_ID', id);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret);
  proxy.requests.length = 0;
  return new Bucket(parseBlobLocation(`s3://${testBucket}/t?endpoint=${proxy.url}`), times);
}

async function layerFile() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ward-signed-'));
  const path = join(folder.path, 'layer');
  await writeFile(path, layer);
  return {
    ...{ path, size: layer.length, sha256: digestHex(digestOf(layer)) },
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

async function read(bucket: Bucket, name: string): Promise<Buffer | undefined> {
  const part = await bucket.get(name);
  return part && buffer(part.body);
}

it('takes a layer in one request, and code in parts', async () => {
  using bucket = openBucket(key);
  await using file = await layerFile();
  await bucket.putFile('layer', file);
  expect(proxy.requests.map(({ method }) => method)).toEqual(['PUT', 'HEAD']);
  expect((await read(bucket, 'layer'))?.equals(layer)).toBe(true);
  const code = Buffer.concat([layer, layer]);
  expect(code.length).toBeGreaterThan(partBytes);
  await bucket.put('code', code);
  expect(proxy.requests.filter(({ path }) => path.includes('partNumber='))).toHaveLength(2);
  expect((await read(bucket, 'code'))?.equals(code)).toBe(true);
});

it('refuses a wrong secret and an unknown key, and is asked once', async () => {
  await using file = await layerFile();
  for (const [wrong, code] of [
    [{ ...key, secret: `${key.secret}x` }, 'SignatureDoesNotMatch'],
    [{ ...key, id: 'AKIAUNKNOWNUNKNOWN00' }, 'InvalidAccessKeyId'],
  ] as const) {
    using bucket = openBucket(wrong);
    for (const put of [() => bucket.putFile('no', file), () => bucket.put('no', Buffer.from('x'))]) {
      proxy.requests.length = 0;
      await expect(put()).rejects.toMatchObject({
        code: 'BLOB_STORE_REFUSED',
        message: expect.stringContaining(code),
        hint: expect.stringContaining('credentials'),
      });
      expect(proxy.requests).toHaveLength(1);
    }
  }
  using bucket = openBucket(key);
  expect(await bucket.length('no')).toBeUndefined();
});

it('refuses a layer whose bytes are not those of its digest', async () => {
  using bucket = openBucket(key);
  await using file = await layerFile();
  await expect(bucket.putFile('other', { ...file, sha256: digestHex(digestOf('x')) })).rejects.toMatchObject({
    message: expect.stringContaining('XAmzContentSHA256Mismatch'),
  });
  expect(await bucket.length('other')).toBeUndefined();
});
