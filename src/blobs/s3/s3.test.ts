import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { randomHex, silentLog } from '../../lib/index.ts';
import { blobSuite } from '../blobs.suite.ts';
import { digestHex, digestOf } from '../digest.ts';
import { parseBlobLocation } from '../location.ts';
import type { BlobStore, Digest } from '../types.ts';
import { isTemporary } from '../whole-file.ts';
import { Bucket, type BucketTimes, partBytes } from './bucket.ts';
import { type FaultProxy, type Request, slowDown, startFaultProxy } from './fault-proxy.fixture.ts';
import { missingForMoto, startMoto, type TestServer, testBucket, testHeaders } from './moto.fixture.ts';
import { createUploadSweep, openS3 } from './open.ts';

const quick: BucketTimes = { connectMs: 1000, answerMs: 10_000, idleMs: 10_000, tries: 3 };

let missing: string | undefined;
let moto: TestServer;
let proxy: FaultProxy;

beforeEach((context) => context.skip(missing !== undefined, missing));

beforeAll(async () => {
  missing = await missingForMoto();
  if (missing !== undefined) return;
  moto = await startMoto();
  proxy = await startFaultProxy(moto.url);
}, 60_000);

afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await moto?.[Symbol.asyncDispose]();
});

interface Place extends AsyncDisposable {
  readonly blobs: BlobStore;
  readonly prefix: string;
  readonly dir: string;
  keyOf(digest: Digest): string;
  /** Another node, with a cache of its own. */
  another(): Promise<BlobStore>;
}

async function openPlace({
  cache = '1g',
  url = proxy.url,
  times = quick,
  wholeBytes = partBytes,
} = {}): Promise<Place> {
  const prefix = `t-${randomHex(4)}`;
  proxy.breakage = () => undefined;
  proxy.hold = async () => {};
  proxy.requests.length = 0;
  const stack = new AsyncDisposableStack();
  const location = parseBlobLocation(`s3://${testBucket}/${prefix}?endpoint=${url}&cache=${cache}`);
  const open = async () => {
    const folder = await mkdtempDisposable(join(tmpdir(), 'ward-s3-'));
    stack.defer(() => folder.remove());
    const shared = stack.use(openS3(location, { log: silentLog, times, wholeBytes }));
    const blobs = await shared.open({ name: 'code', dir: folder.path, mode: 0o640, dirMode: 0o750 });
    return { blobs, dir: join(folder.path, 'cache') };
  };
  const { blobs, dir } = await open();
  return {
    ...{ blobs, prefix, dir },
    keyOf: (digest) => `${prefix}/code/sha256/${digestHex(digest)}`,
    another: async () => (await open()).blobs,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const isRead = ({ method, path }: Request) => method === 'GET' && path.includes('/code/sha256/');
const isPart = ({ method, path }: Request) => method === 'PUT' && path.includes('partNumber=2');

describe('on a node that keeps no copy', () => {
  blobSuite('blobs in S3', async () => {
    const place = await openPlace({ cache: '0', url: moto.url });
    return {
      open: () => place.blobs,
      damage: (whole, other) => moto.put(place.keyOf(digestOf(whole)), other),
      async count() {
        const unfinished = await moto.unfinished(place.prefix);
        const temporaries = (await readdir(place.dir)).filter(isTemporary);
        return (await moto.keys(place.prefix)).length + unfinished.length + temporaries.length;
      },
      dispose: async () => place[Symbol.asyncDispose](),
    };
  });
});

describe('a put', () => {
  const long = randomBytes(17 * 1024 * 1024);
  const put = (blobs: BlobStore, bytes: Buffer) => blobs.putStream(Readable.from([Buffer.from(bytes)]));

  it('goes through when the connection is cut in a part and the store asks to slow down', async () => {
    await using place = await openPlace();
    const left = ['cut', 'slow'];
    proxy.breakage = (request) => {
      if (!isPart(request)) return undefined;
      return { cut: { kind: 'cut-request', after: 1_000_000 } as const, slow: slowDown }[left.shift() ?? ''];
    };
    const { digest } = await put(place.blobs, long);
    expect(left).toEqual([]);
    expect((await moto.get(place.keyOf(digest)))?.equals(long)).toBe(true);
    expect(await moto.unfinished(place.prefix)).toEqual([]);
  });

  describe('of a file that is sent as a whole', () => {
    const wholeBytes = long.length;
    const isWhole = ({ method, path }: Request) => method === 'PUT' && path.includes('/code/sha256/');

    it('is one request, signed with the digest of the blob', async () => {
      await using place = await openPlace({ wholeBytes });
      const { digest } = await put(place.blobs, long);
      const [sent, ...others] = proxy.requests.filter(isWhole);
      expect(others).toEqual([]);
      expect(sent?.path).not.toContain('partNumber');
      expect(sent?.headers).toMatchObject({
        'x-amz-content-sha256': digestHex(digest),
        'content-length': String(long.length),
        authorization: expect.stringContaining('x-amz-content-sha256'),
      });
      expect((await moto.get(place.keyOf(digest)))?.equals(long)).toBe(true);
    });

    it('goes through when the connection is cut and the store asks to slow down', async () => {
      await using place = await openPlace({ wholeBytes });
      const left = ['cut', 'slow'];
      proxy.breakage = (request) => {
        if (!isWhole(request)) return undefined;
        return { cut: { kind: 'cut-request', after: 1_000_000 } as const, slow: slowDown }[
          left.shift() ?? ''
        ];
      };
      const { digest } = await put(place.blobs, long);
      expect(proxy.requests.filter(isWhole)).toHaveLength(3);
      expect((await moto.get(place.keyOf(digest)))?.equals(long)).toBe(true);
    });

    it('fails clearly when the store never takes it or refuses it, and leaves nothing on the disk', async () => {
      await using place = await openPlace({ wholeBytes });
      proxy.breakage = (request) => (isWhole(request) ? slowDown : undefined);
      await expect(put(place.blobs, long)).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
      expect(proxy.requests.filter(isWhole)).toHaveLength(quick.tries);
      const body = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
      proxy.breakage = (request) => (isWhole(request) ? { kind: 'instead', status: 403, body } : undefined);
      await expect(put(place.blobs, long)).rejects.toMatchObject({ code: 'BLOB_STORE_REFUSED' });
      expect(proxy.requests.filter(isWhole)).toHaveLength(quick.tries + 1);
      expect(await readdir(place.dir)).toEqual([]);
    });

    it('ends when the file cannot be read', async () => {
      await using place = await openPlace();
      const location = parseBlobLocation(`s3://${testBucket}/${place.prefix}?endpoint=${proxy.url}`);
      using bucket = new Bucket(location, { ...quick, answerMs: 600_000, idleMs: 600_000 });
      const file = { path: place.dir, size: 10, sha256: '0'.repeat(64) };
      await expect(bucket.putFile('folder', file)).rejects.toMatchObject({
        message: expect.stringContaining('EISDIR'),
      });
    });
  });

  it('waits for no permission to send a part', async () => {
    await using place = await openPlace();
    await put(place.blobs, long);
    const parts = proxy.requests.filter(({ method }) => method === 'PUT');
    expect(parts.map(({ headers }) => headers.expect)).toEqual([undefined, undefined, undefined]);
  });

  it('that never gets through fails clearly, and leaves nothing in the bucket or on the disk', async () => {
    await using place = await openPlace();
    proxy.breakage = (request) => (isPart(request) ? slowDown : undefined);
    await expect(put(place.blobs, long)).rejects.toMatchObject({
      code: 'BLOB_STORE_UNREACHABLE',
      kind: 'busy',
      message: expect.stringMatching(/could not store a blob in s3:.*SlowDown/),
    });
    expect(await moto.keys(place.prefix)).toEqual([]);
    expect(await moto.unfinished(place.prefix)).toEqual([]);
    expect(await readdir(place.dir)).toEqual([]);
  });

  it('fails when the store answers 200 and keeps nothing, or only a part', async () => {
    await using place = await openPlace();
    proxy.breakage = ({ method }) =>
      method === 'PUT' ? { kind: 'instead', status: 200, body: '' } : undefined;
    const wrong = { code: 'BLOB_STORE_WRONG' };
    await expect(place.blobs.put(Buffer.from('nothing'))).rejects.toMatchObject(wrong);
    const digest = digestOf('whole');
    await moto.put(place.keyOf(digest), 'who');
    await expect(place.blobs.put(Buffer.from('whole'))).rejects.toMatchObject(wrong);
  });

  it('says that credentials are refused, that the bucket is missing, that nothing listens', async () => {
    await using place = await openPlace();
    const refused = (Code: string, status: number) => ({
      ...{ kind: 'instead' as const, status },
      body: `<Error><Code>${Code}</Code><Message>no</Message></Error>`,
    });
    for (const [code, status] of [
      ['InvalidAccessKeyId', 403],
      ['NoSuchBucket', 404],
    ] as const) {
      proxy.breakage = () => refused(code, status);
      await expect(place.blobs.put(Buffer.from('x'))).rejects.toMatchObject({
        code: 'BLOB_STORE_REFUSED',
        message: expect.stringContaining(code),
      });
    }
    await using nobody = await openPlace({ url: 'http://127.0.0.1:9' });
    await expect(nobody.blobs.put(Buffer.from('x'))).rejects.toMatchObject({
      code: 'BLOB_STORE_UNREACHABLE',
    });
  });

  it('ends at once when the store of blobs is closed', async () => {
    // Only the end of the store ends the write before the test's own time is over.
    const place = await openPlace({ times: { ...quick, answerMs: 600_000, idleMs: 600_000 } });
    proxy.breakage = () => ({ kind: 'silence' });
    const putting = place.blobs.put(Buffer.from('x'));
    const refused = expect(putting).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
    await expect.poll(() => proxy.requests.length).toBeGreaterThan(0);
    await place[Symbol.asyncDispose]();
    await refused;
  });
});

describe('a read', () => {
  /** A blob that only the bucket has. */
  async function stored(place: Place, bytes: Buffer): Promise<{ digest: Digest; blobs: BlobStore }> {
    const digest = digestOf(bytes);
    await moto.put(place.keyOf(digest), Buffer.from(bytes));
    return { digest, blobs: place.blobs };
  }
  const reads = () => proxy.requests.filter(isRead).length;

  it('fetches once however many ask, and then from the disk', async () => {
    await using place = await openPlace();
    const bytes = randomBytes(30_000);
    const { digest, blobs } = await stored(place, bytes);
    const files = [blobs.localFile(digest), blobs.localFile(digest)] as const;
    const got = await Promise.all([
      ...[blobs.get(digest), blobs.get(digest)],
      ...[1, 2].map(async () => buffer(await blobs.open(digest))),
    ]);
    for (const each of got) expect(each).toEqual(bytes);
    for (const file of files) await (await file)[Symbol.asyncDispose]();
    expect(reads()).toBe(1);
    expect(await blobs.get(digest)).toEqual(bytes);
    expect(reads()).toBe(1);
  });

  it('goes on after a cut where it ended', async () => {
    await using place = await openPlace();
    const bytes = randomBytes(3_000_000);
    const { digest, blobs } = await stored(place, bytes);
    const left = [1_000_000, 500_000];
    proxy.breakage = (request) => {
      const after = isRead(request) ? left.shift() : undefined;
      return after === undefined ? undefined : { kind: 'cut-answer', after };
    };
    expect((await blobs.get(digest)).equals(bytes)).toBe(true);
    const ranges = proxy.requests.filter(isRead).map(({ headers }) => headers.range);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1)).toEqual([
      expect.stringMatching(/^bytes=[1-9]\d+-2999999$/),
      expect.stringMatching(/^bytes=[1-9]\d+-2999999$/),
    ]);
  });

  it('ends when no byte comes, and says so', async () => {
    await using place = await openPlace({ times: { ...quick, idleMs: 300 } });
    const { digest, blobs } = await stored(place, randomBytes(300_000));
    proxy.breakage = (request) => (isRead(request) ? { kind: 'stall', after: 1000 } : undefined);
    await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
    proxy.breakage = () => undefined;
    expect((await blobs.get(digest)).length).toBe(300_000);
  });

  it('goes on while bytes come slowly', async () => {
    await using place = await openPlace({ times: { ...quick, idleMs: 400 } });
    const bytes = randomBytes(1200);
    const { digest, blobs } = await stored(place, bytes);
    proxy.breakage = (request) =>
      isRead(request) ? { kind: 'trickle', pieces: 12, everyMs: 80 } : undefined;
    expect((await blobs.get(digest)).equals(bytes)).toBe(true);
    expect(reads()).toBe(1);
  });

  it.each([
    [
      'a changed byte',
      (body: Buffer) => Buffer.concat([Buffer.from([(body[0] ?? 0) ^ 1]), body.subarray(1)]),
    ],
    ['a short body', (body: Buffer) => body.subarray(0, -1)],
    ['more bytes', (body: Buffer) => Buffer.concat([body, body])],
    ['no bytes', () => Buffer.alloc(0)],
    ['a document about an error', () => Buffer.from('<Error><Code>InternalError</Code></Error>')],
  ])('with %s serves nothing, keeps nothing, and works when the store does', async (_title, change) => {
    await using place = await openPlace();
    const { digest, blobs } = await stored(place, Buffer.from('the true bytes'));
    proxy.breakage = (request) => (isRead(request) ? { kind: 'change', change } : undefined);
    const corrupt = { code: 'BLOB_CORRUPT', kind: 'host' };
    await expect(blobs.get(digest)).rejects.toMatchObject(corrupt);
    await expect(blobs.localFile(digest)).rejects.toMatchObject(corrupt);
    await expect(blobs.open(digest)).rejects.toMatchObject(corrupt);
    await expect(blobs.copier(digest, { first: 0, last: 13 })).rejects.toMatchObject(corrupt);
    expect(await readdir(place.dir)).toEqual([]);
    proxy.breakage = () => undefined;
    expect(String(await blobs.get(digest))).toBe('the true bytes');
  });

  it('with the bytes of another object serves nothing', async () => {
    await using place = await openPlace();
    const { digest, blobs } = await stored(place, Buffer.from('mine'));
    const other = await stored(place, Buffer.from('your'));
    const path = `/${testBucket}/${place.keyOf(other.digest)}`;
    proxy.breakage = (request) => (isRead(request) ? { kind: 'other', path } : undefined);
    await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await readdir(place.dir)).toEqual([]);
  });

  it('of a part asks for that part, and refuses another length', async () => {
    await using place = await openPlace();
    const { digest, blobs } = await stored(place, Buffer.from('0123456789'));
    expect(await text(await blobs.open(digest, { first: 3, last: 5 }))).toBe('345');
    expect(proxy.requests.filter(isRead).map(({ headers }) => headers.range)).toEqual(['bytes=3-5']);
    proxy.breakage = (request) =>
      isRead(request) ? { kind: 'change', change: (body) => body.subarray(1) } : undefined;
    await expect(blobs.open(digest, { first: 3, last: 5 })).rejects.toMatchObject({
      code: 'BLOB_STORE_WRONG',
      message: expect.stringContaining('2 bytes to a read of 3 bytes'),
    });
    expect(await readdir(place.dir)).toEqual([]);
  });

  it('works while the store is away, if the blob was used before', async () => {
    await using place = await openPlace();
    const digest = await place.blobs.put(Buffer.from('warm'));
    proxy.breakage = () => slowDown;
    expect(String(await place.blobs.get(digest))).toBe('warm');
    await expect(place.blobs.get(digestOf('cold'))).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
  });

  it('finds what another node has put, and misses what it has deleted', async () => {
    await using place = await openPlace();
    const other = await place.another();
    const digest = await place.blobs.put(Buffer.from('shared'));
    expect(String(await other.get(digest))).toBe('shared');
    await place.blobs.delete(digest);
    expect(await other.has(digest)).toBe(false);
  });
});

describe('a delete', () => {
  it('that has no answer is not sent again, since the answer to the second would say nothing of the first', async () => {
    await using place = await openPlace();
    const digest = await place.blobs.put(Buffer.from('x'));
    proxy.breakage = ({ method }) => (method === 'DELETE' ? { kind: 'cut-answer', after: 0 } : undefined);
    proxy.requests.length = 0;
    await expect(place.blobs.delete(digest)).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
    expect(proxy.requests.map(({ method }) => method)).toEqual(['DELETE']);
    expect(place.blobs.lateMs).toBeGreaterThan(15 * 60_000);
  });

  it('ends with its signal, without a further request', async () => {
    await using place = await openPlace();
    const digest = await place.blobs.put(Buffer.from('x'));
    proxy.breakage = ({ method }) => (method === 'DELETE' ? { kind: 'silence' } : undefined);
    proxy.requests.length = 0;
    const ending = new AbortController();
    const deleted = place.blobs.delete(digest, ending.signal);
    const refused = expect(deleted).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
    await expect.poll(() => proxy.requests.length).toBe(1);
    ending.abort();
    await refused;
    expect(proxy.requests.map(({ method }) => method)).toEqual(['DELETE']);
    expect(await place.blobs.has(digest)).toBe(true);
  });
});

describe('a list', () => {
  it('ignores foreign keys and keys that are no digest, and crosses pages', async () => {
    await using place = await openPlace();
    const digest = await place.blobs.put(Buffer.from('mine'));
    const folder = `${place.prefix}/code/sha256/`;
    await moto.put(`${place.prefix}/notes.txt`, 'x');
    await moto.put(`${place.prefix}/code/readme`, 'x');
    for (const name of ['', 'abc', 'A'.repeat(64), `${'a'.repeat(64)}.bak`, `${'a'.repeat(64)}/b`])
      await moto.put(folder + name, 'x');
    expect(await Array.fromAsync(place.blobs.list())).toEqual([digest]);
    // A store that gives one key a page.
    proxy.breakage = ({ path }) =>
      path.includes('list-type=2')
        ? { kind: 'other', path: path.replace('max-keys=1000', 'max-keys=1') }
        : undefined;
    proxy.requests.length = 0;
    expect(await Array.fromAsync(place.blobs.list())).toEqual([digest]);
    expect(proxy.requests.length).toBeGreaterThan(5);
  });

  it.each([
    ['repeats a page', (at: number) => page([`k${at % 2}`], true)],
    ['sends empty pages without an end', () => page([], true)],
    ['answers with another document', () => '<html>Welcome</html>'],
  ])('of a store that %s ends with an error', async (_title, bodyOf) => {
    await using place = await openPlace();
    let at = 0;
    proxy.breakage = ({ path }) =>
      path.includes('list-type=2') ? { kind: 'instead', status: 200, body: bodyOf(at++) } : undefined;
    await expect(Array.fromAsync(place.blobs.list())).rejects.toMatchObject({ code: 'BLOB_STORE_WRONG' });
  });

  function page(keys: readonly string[], isTruncated: boolean): string {
    const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
    const head = `<Name>${testBucket}</Name><IsTruncated>${isTruncated}</IsTruncated>`;
    return `<ListBucketResult>${head}${contents}</ListBucketResult>`;
  }
});

describe('copies', () => {
  it('leave the disk when newer ones need the room, but not while they are in use', async () => {
    await using place = await openPlace({ cache: '25' });
    const blobs = [await place.blobs.put(Buffer.from('a'.repeat(10)))];
    await using held = await place.blobs.localFile(blobs[0] ?? digestOf(''));
    for (const letter of 'bcd') blobs.push(await place.blobs.put(Buffer.from(letter.repeat(10))));
    const kept = async () => (await readdir(place.dir)).map((name) => name.slice(0, 64)).toSorted();
    const hexes = [blobs[0], blobs[3]].map((digest) => digestHex(digest ?? digestOf(''))).toSorted();
    await expect.poll(kept).toEqual(hexes);
    expect((await stat(held.path)).size).toBe(10);
  });

  it('of an earlier process are used after a check, without its half-written files', async () => {
    await using place = await openPlace();
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-s3-'));
    const location = parseBlobLocation(`s3://${testBucket}/${place.prefix}?endpoint=${proxy.url}`);
    const open = async () => {
      const shared = openS3(location, { log: silentLog, times: quick });
      const options = { name: 'code', dir: folder.path, mode: 0o640, dirMode: 0o750 };
      return {
        blobs: await shared.open(options),
        [Symbol.asyncDispose]: () => shared[Symbol.asyncDispose](),
      };
    };
    const dir = join(folder.path, 'cache');
    const digests: Digest[] = [];
    {
      await using first = await open();
      for (const each of ['good', 'evil']) digests.push(await first.blobs.put(Buffer.from(each)));
    }
    const hex = digestHex(digests[1] ?? digestOf(''));
    const damaged = (await readdir(dir)).find((name) => name.startsWith(hex)) ?? '';
    await writeFile(join(dir, damaged), 'live');
    await writeFile(join(dir, '.tmp-1234'), 'half');
    await using second = await open();
    expect(await readdir(dir)).toHaveLength(2);
    proxy.requests.length = 0;
    for (const digest of digests) {
      await using file = await second.blobs.localFile(digest);
      expect(digestOf(await readFile(file.path))).toBe(digest);
    }
    expect(proxy.requests.filter(isRead)).toHaveLength(1);
  });

  it('give way when the disk has too little space', async () => {
    await using place = await openPlace();
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-s3-'));
    const location = parseBlobLocation(`s3://${testBucket}/${place.prefix}?endpoint=${proxy.url}`);
    await using shared = openS3(location, { log: silentLog, times: quick });
    let full = 2;
    const admitWrite = () => {
      if (full-- > 0) throw new Error('the disk is full');
    };
    const options = { name: 'code', dir: folder.path, mode: 0o640, dirMode: 0o750, admitWrite };
    const blobs = await shared.open(options);
    const digest = await place.blobs.put(Buffer.from('new'));
    await expect(blobs.get(digest)).rejects.toThrow('the disk is full');
    await blobs.put(Buffer.from('old'));
    full = 1;
    expect(String(await blobs.get(digest))).toBe('new');
    await expect.poll(() => readdir(join(folder.path, 'cache'))).toHaveLength(1);
    full = 1;
    const kept = await readdir(join(folder.path, 'cache'));
    expect(await blobs.put(Buffer.from('no room for a copy'))).toBe(digestOf('no room for a copy'));
    expect(await readdir(join(folder.path, 'cache'))).toEqual(kept);
  });

  it('that can’t be opened are not held for ever', async () => {
    await using place = await openPlace();
    const digest = await place.blobs.put(Buffer.alloc(0));
    const [name = ''] = await readdir(place.dir);
    await rm(join(place.dir, name));
    await symlink('/dev/null', join(place.dir, name));
    await expect(place.blobs.open(digest)).rejects.toMatchObject({ code: 'FILE_INVALID' });
    await place.blobs.delete(digest);
    await expect.poll(() => readdir(place.dir)).toEqual([]);
  });
});

it('uploads that stay unfinished for a day are ended, and no others', async () => {
  await using place = await openPlace();
  const location = parseBlobLocation(`s3://${testBucket}/${place.prefix}?endpoint=${proxy.url}`);
  using bucket = new Bucket(location, quick);
  const begin = (key: string) =>
    fetch(`${moto.url}/${testBucket}/${key}?uploads`, { method: 'POST', headers: testHeaders });
  let hours = 0;
  const sweep = createUploadSweep(bucket, 24, () => hours);
  await begin(`${place.prefix}/code/old`);
  await begin(`other-${place.prefix}/code/old`);
  expect(await sweep()).toBe(0);
  hours = 23;
  await begin(`${place.prefix}/code/new`);
  expect(await sweep()).toBe(0);
  hours = 25;
  expect(await sweep()).toBe(1);
  expect(await moto.unfinished(place.prefix)).toEqual([`${place.prefix}/code/new`]);
  expect(await moto.unfinished(`other-${place.prefix}`)).toHaveLength(1);
});

describe('a place', () => {
  const [one, two] = ['1'.repeat(32), '2'.repeat(32)];
  const openShared = (prefix: string) =>
    openS3(parseBlobLocation(`s3://${testBucket}/${prefix}?endpoint=${proxy.url}`), {
      ...{ log: silentLog, times: quick },
    });

  it('belongs to the first database that claims it, until that gives it up', async () => {
    await using place = await openPlace();
    await using shared = openShared(place.prefix);
    await shared.claim(one);
    await shared.claim(one);
    await using other = openShared(place.prefix);
    await expect(other.claim(two)).rejects.toMatchObject({
      code: 'BLOBS_OTHER_STORE',
      message: expect.stringContaining(one),
    });
    await other.release(two);
    await expect(other.claim(two)).rejects.toMatchObject({ code: 'BLOBS_OTHER_STORE' });
    await shared.release(one);
    await other.claim(two);
    expect(await moto.keys(`${place.prefix}/owners/`)).toEqual([`${place.prefix}/owners/${two}`]);
  });

  it('that two databases claim at once goes to one of them at most', async () => {
    await using place = await openPlace();
    await using first = openShared(place.prefix);
    await using second = openShared(place.prefix);
    // Both look before either has written.
    const both = Promise.withResolvers<void>();
    let looks = 0;
    proxy.hold = async ({ path }) => {
      if (!path.includes('list-type=2') || looks >= 2) return;
      if (++looks === 2) both.resolve();
      await both.promise;
    };
    const claims = await Promise.allSettled([first.claim(one), second.claim(two)]);
    const lost = claims.filter(({ status }) => status === 'rejected');
    expect(lost.length).toBeGreaterThanOrEqual(1);
    for (const each of lost) expect(each).toMatchObject({ reason: { code: 'BLOBS_OTHER_STORE' } });
    expect(await moto.keys(`${place.prefix}/owners/`)).toHaveLength(2 - lost.length);
  });

  it('whose owner is not known yet loses no blob', async () => {
    await using place = await openPlace();
    const digest = await place.blobs.put(Buffer.from('theirs'));
    await moto.put(`${place.prefix}/owners/${two}`, '');
    await using shared = openShared(place.prefix);
    await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-s3-'));
    const blobs = await shared.open({ name: 'code', dir: folder.path, mode: 0o640, dirMode: 0o750 });
    proxy.breakage = () => slowDown;
    await expect(shared.claim(one)).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
    proxy.breakage = () => undefined;
    await expect(blobs.delete(digest)).rejects.toMatchObject({ code: 'BLOBS_OTHER_STORE' });
    expect(await place.blobs.has(digest)).toBe(true);
    await moto.remove(`${place.prefix}/owners/${two}`);
    await blobs.delete(digest);
    expect(await place.blobs.has(digest)).toBe(false);
  });
});
