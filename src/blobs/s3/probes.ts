/**
 * Tries on an operator's own store what Ward needs, in a folder of its own, which it removes. Stores that are called
 * compatible with S3 differ, and only a try shows how.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempDisposable, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { isFault, messageOf, randomHex } from '../../lib/index.ts';
import { digestHex, digestOf } from '../digest.ts';
import { type BlobLocation, describeLocation } from '../location.ts';
import { isTransient } from '../store-errors.ts';
import type { BlobProbe, BlobProbeReport } from '../types.ts';
import { Bucket, type BucketTimes, bucketTimes, type HashedFile, wholeBytes } from './bucket.ts';

interface ProbeWords {
  readonly name: string;
  readonly neededFor: string;
  /** Ward works without it. */
  readonly isOptional?: true;
}

interface Probe extends ProbeWords {
  /** Returns what it saw. Throws when the store does something else. */
  readonly run: (bucket: Bucket, under: string, layerBytes: number) => Promise<string>;
}

const mebibyte = 1024 * 1024;
const longBytes = 17 * mebibyte;
const listed = 7;
const keysPerPage = 2;
const writersAtOnce = 4;

const probes: readonly Probe[] = [
  {
    name: 'put',
    neededFor: 'deployments and pushes',
    async run(bucket, under) {
      await bucket.put(`${under}small`, Buffer.from('0123456789'));
      await bucket.put(`${under}empty`, new Uint8Array());
      return 'stored 10 bytes and 0 bytes';
    },
  },
  {
    name: 'read',
    neededFor: 'calls and pulls',
    async run(bucket, under) {
      return same(await read(bucket, `${under}small`), Buffer.from('0123456789'));
    },
  },
  {
    name: 'overwrite',
    neededFor: 'the repair of a damaged blob',
    async run(bucket, under) {
      const key = `${under}again`;
      for (const text of ['first', 'second']) {
        await bucket.put(key, Buffer.from(text));
        same(await read(bucket, key), Buffer.from(text));
      }
      return 'a read after a write gets the new bytes';
    },
  },
  {
    name: 'ranged read',
    neededFor: 'the rest of a read after a cut, and pulls of a part',
    async run(bucket, under) {
      for (const [first, last] of [
        [0, 0],
        [3, 6],
        [9, 9],
      ] as const) {
        const part = await bucket.get(`${under}small`, { first, last });
        const bytes = part === undefined ? undefined : await buffer(part.body);
        same(bytes, Buffer.from('0123456789'.slice(first, last + 1)));
      }
      return 'the first, middle and last bytes';
    },
  },
  {
    name: 'missing object',
    neededFor: 'telling a missing blob from a store that is away',
    async run(bucket, under) {
      const key = `${under}never-stored`;
      if ((await bucket.length(key)) !== undefined || (await bucket.get(key)) !== undefined)
        throw new Error('it has an object that was never stored');
      return 'told as missing';
    },
  },
  {
    name: 'upload as a whole',
    neededFor: 'layers of up to 128 MiB, each in one request that is signed with its digest',
    async run(bucket, under, layerBytes) {
      await using file = await randomFile(layerBytes);
      await bucket.putFile(`${under}layer`, file);
      const part = await bucket.get(`${under}layer`);
      const sha256 = part === undefined ? undefined : await sha256Of(part.body);
      if (sha256 !== file.sha256) throw new Error('other bytes came back, or none');
      return `${layerBytes} bytes, unchanged`;
    },
  },
  {
    name: 'upload in parts',
    neededFor: 'layers of more than 128 MiB, and code of more than 8 MiB',
    async run(bucket, under) {
      const bytes = randomBytes(longBytes);
      await bucket.put(`${under}long`, bytes);
      return same(await read(bucket, `${under}long`), bytes);
    },
  },
  {
    name: 'concurrent puts',
    neededFor: 'several nodes that store the same blob',
    async run(bucket, under) {
      const key = `${under}race`;
      const bytes = randomBytes(100_000);
      await Promise.all(Array.from({ length: writersAtOnce }, () => bucket.put(key, bytes)));
      return same(await read(bucket, key), bytes);
    },
  },
  {
    name: 'list in pages',
    neededFor: 'the removal of code and layers that nothing needs',
    async run(bucket, under) {
      const folder = `${under}list/`;
      const keys = Array.from({ length: listed }, (_, at) => `${folder}${at}`);
      for (const key of keys) await bucket.put(key, Buffer.from('x'));
      const found = await Array.fromAsync(bucket.keys(folder, keysPerPage));
      if (found.join() !== keys.join())
        throw new Error(`${found.length} of ${listed} keys, or another order`);
      return `${listed} keys in pages of ${keysPerPage}`;
    },
  },
  {
    name: 'delete',
    neededFor: 'the removal of code and layers that nothing needs',
    async run(bucket, under) {
      const key = `${under}small`;
      for (let turn = 0; turn < 2; turn++) await bucket.delete(key);
      if ((await bucket.length(key)) !== undefined) throw new Error('the object is still there');
      return 'gone at once, and again without an error';
    },
  },
  {
    name: 'unfinished upload',
    neededFor: 'the removal of what a crashed node left',
    async run(bucket, under) {
      const key = `${under}unfinished`;
      const { id } = await bucket.beginUpload(key);
      const isOurs = async () => (await bucket.unfinished()).some((each) => each.id === id);
      if (!(await isOurs())) throw new Error('it is not listed');
      if ((await bucket.length(key)) !== undefined) throw new Error('it is visible as an object');
      await bucket.endUpload({ key, id });
      if (await isOurs()) throw new Error('it is still listed after its end');
      return 'listed, invisible, and ended';
    },
  },
  {
    name: 'damaged upload',
    neededFor: 'an early error; Ward verifies what it reads in any case',
    isOptional: true,
    async run(bucket, under) {
      const key = `${under}damaged`;
      await using file = await randomFile(mebibyte);
      const refusal = await refusalOf(bucket.putFile(key, { ...file, sha256: digestHex(digestOf('other')) }));
      if (refusal === undefined)
        throw new Error('the store takes a layer whose bytes are not those with whose digest it was signed');
      if ((await bucket.length(key)) !== undefined)
        throw new Error('the store refuses a layer with other bytes than its digest, but keeps them');
      return `refused: ${refusal}`;
    },
  },
];

/**
 * Never rejects: a probe that does not work says why.
 * @param layerBytes the longest that Ward sends as one request: a proxy before the store can have a limit
 */
export async function probeS3(
  location: BlobLocation,
  times: BucketTimes = bucketTimes,
  layerBytes: number = wholeBytes,
): Promise<BlobProbeReport> {
  using bucket = new Bucket(location, times);
  const under = `ward-doctor-${randomHex(8)}/`;
  const results: BlobProbe[] = [];
  for (const probe of probes) {
    // Without a put, the others only repeat its error.
    if (results[0]?.result === 'failed') results.push(resultOf(probe, 'skipped', 'nothing could be stored'));
    else results.push(await tryProbe(probe, () => probe.run(bucket, under, layerBytes)));
  }
  const clean = { name: 'clean up', neededFor: 'leaving nothing of these probes' };
  results.push(await tryProbe(clean, () => cleanUp(bucket, under)));
  const ok = results.every(({ isRequired, result }) => !isRequired || result === 'ok');
  return { place: describeLocation(location), ok, probes: results };
}

async function tryProbe(probe: ProbeWords, run: () => Promise<string>): Promise<BlobProbe> {
  try {
    return resultOf(probe, 'ok', await run());
  } catch (error) {
    return resultOf(probe, 'failed', messageOf(error));
  }
}

function resultOf(
  { name, neededFor, isOptional }: ProbeWords,
  result: BlobProbe['result'],
  evidence: string,
): BlobProbe {
  return { name, neededFor, isRequired: isOptional !== true, result, evidence };
}

/** A file of random bytes, which are never all in memory. */
async function randomFile(size: number): Promise<HashedFile & AsyncDisposable> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ward-doctor-'));
  try {
    const path = join(folder.path, 'layer');
    await using file = await open(path, 'wx');
    const hash = createHash('sha256');
    for (let left = size; left > 0; left -= mebibyte) {
      const bytes = randomBytes(Math.min(left, mebibyte));
      hash.update(bytes);
      await file.writeFile(bytes);
    }
    return { path, size, sha256: hash.digest('hex'), [Symbol.asyncDispose]: () => folder.remove() };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

async function sha256Of(body: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of body) hash.update(bytes);
  return hash.digest('hex');
}

/** What the store says when it refuses; undefined when it does not. Rejects when it does not answer. */
async function refusalOf(putting: Promise<void>): Promise<string | undefined> {
  try {
    await putting;
    return undefined;
  } catch (error) {
    if (!isFault(error) || error.cause === undefined || isTransient(error)) throw error;
    return error.cause instanceof Error ? error.cause.name : messageOf(error.cause);
  }
}

async function cleanUp(bucket: Bucket, under: string): Promise<string> {
  for (const upload of await bucket.unfinished())
    if (upload.key.startsWith(under)) await bucket.endUpload(upload);
  const keys = await Array.fromAsync(bucket.keys(under));
  for (const key of keys) await bucket.delete(key);
  const left = (await Array.fromAsync(bucket.keys(under))).length;
  if (left > 0) throw new Error(`${left} objects below ${under} can't be removed`);
  return `removed ${keys.length} objects`;
}

async function read(bucket: Bucket, key: string): Promise<Buffer | undefined> {
  const part = await bucket.get(key);
  return part === undefined ? undefined : buffer(part.body);
}

function same(found: Buffer | undefined, expected: Buffer): string {
  if (found?.equals(expected) === true) return `${expected.length} bytes, unchanged`;
  throw new Error(found === undefined ? 'the object is missing' : `${found.length} other bytes came back`);
}
