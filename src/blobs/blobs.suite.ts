/** Tests for every implementation of `BlobStore`. Each runs them in its own test file, with its own place. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import type { BlobStore, BlobWriter } from './types.ts';

/** A place for blobs, empty at first. */
export interface BlobPlace {
  /** Several can be open at a time. */
  open(): BlobStore;
  /** Replaces the bytes under the digest of `whole`. */
  damage(whole: string, other: string): Promise<void>;
  /** Number of files: blobs and all others. */
  count(): Promise<number>;
  dispose(): Promise<void>;
}

const nowhere = digestOf('never put');

function pieces(...parts: readonly string[]): Readable {
  return Readable.from(parts.map((part) => Buffer.from(part)));
}

/** Yields `start`, and then fails. */
function cutOff(start: string): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(start);
      throw new Error('cut off');
    })(),
  );
}

export function blobSuite(name: string, makePlace: () => Promise<BlobPlace>): void {
  describe(name, () => {
    let place: BlobPlace;
    let blobs: BlobStore;
    beforeEach(async () => {
      place = await makePlace();
      blobs = place.open();
    });
    afterEach(() => place.dispose());
    const getTests = { blobs: () => blobs, place: () => place };
    describe('put', () => putTests(getTests));
    describe('writer', () => writerTests(getTests));
    describe('read', () => readTests(getTests));
    describe('held file', () => heldTests(getTests));
  });
}

interface Context {
  blobs(): BlobStore;
  place(): BlobPlace;
}

function putTests({ blobs, place }: Context): void {
  it('returns the OCI digest under which it stores the bytes', async () => {
    const digest = await blobs().put(Buffer.from('hello'));
    expect(digest).toBe(digestOf('hello'));
    expect(String(await blobs().get(digest))).toBe('hello');
    expect([await blobs().has(digest), await blobs().size(digest)]).toEqual([true, 5]);
    expect(await place().count()).toBe(1);
  });

  it('of no bytes makes a blob, too', async () => {
    const digest = await blobs().put(Buffer.alloc(0));
    expect([digest, await blobs().size(digest), await text(await blobs().open(digest))]).toEqual([
      digestOf(''),
      0,
      '',
    ]);
    expect(await blobs().putStream(pieces())).toEqual({ digest, size: 0 });
  });

  it('of the same bytes by many at once makes one blob, and leaves nothing half-written', async () => {
    const bytes = Buffer.alloc(300_000, 'x');
    const stores = [blobs(), place().open()];
    const puts = Array.from({ length: 40 }, async (_, at) =>
      at < 20
        ? await stores[at % 2]?.put(bytes)
        : (await stores[at % 2]?.putStream(Readable.from([Buffer.from(bytes)])))?.digest,
    );
    expect(new Set(await Promise.all(puts))).toEqual(new Set([digestOf(bytes)]));
    expect(await blobs().get(digestOf(bytes))).toEqual(bytes);
    expect(await place().count()).toBe(1);
  });

  it('of a long stream keeps every byte in its place', async () => {
    const bytes = randomBytes(3_000_000);
    const parts = Array.from({ length: 100 }, (_, at) =>
      Buffer.from(bytes.subarray(at * 30_000, (at + 1) * 30_000)),
    );
    const { digest, size } = await blobs().putStream(Readable.from(parts));
    expect([digest, size]).toEqual([digestOf(bytes), bytes.length]);
    expect(await blobs().get(digest)).toEqual(bytes);
  });

  it('of a stream that fails leaves nothing', async () => {
    await expect(blobs().putStream(cutOff('half'))).rejects.toThrow('cut off');
    expect(await place().count()).toBe(0);
  });

  it('repairs a damaged blob', async () => {
    const digest = await blobs().put(Buffer.from('whole'));
    for (const other of ['whale', 'whole and more', '']) {
      await place().damage('whole', other);
      await expect(blobs().get(digest)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
      await blobs().put(Buffer.from('whole'));
      expect(String(await blobs().get(digest))).toBe('whole');
    }
  });

  it('is undone by a delete, which can be repeated, and can be done again', async () => {
    const digest = await blobs().put(Buffer.from('gone'));
    await blobs().delete(digest);
    await blobs().delete(digest);
    expect([await blobs().has(digest), await blobs().size(digest), await place().count()]).toEqual([
      false,
      undefined,
      0,
    ]);
    await blobs().put(Buffer.from('gone'));
    expect(String(await blobs().get(digest))).toBe('gone');
  });
}

function writerTests({ blobs, place }: Context): void {
  it('accepts several streams in turn, and makes a blob only at its end', async () => {
    await using writer = blobs().write();
    const digest = digestOf('one, two, three');
    await writer.append(pieces('one', ', '));
    await writer.append(pieces('two, '));
    expect([writer.size, await text(await writer.read())]).toEqual([10, 'one, two, ']);
    await writer.append(pieces('three'));
    expect([await blobs().has(digest), await Array.fromAsync(blobs().list())]).toEqual([false, []]);
    await writer.commit(digest);
    expect(String(await blobs().get(digest))).toBe('one, two, three');
    expect(await place().count()).toBe(1);
  });

  it('without bytes makes an empty blob', async () => {
    await using writer = blobs().write();
    expect([writer.size, await text(await writer.read())]).toEqual([0, '']);
    await writer.commit(digestOf(''));
    expect(await blobs().size(digestOf(''))).toBe(0);
  });

  it('reports the digest that it got', async () => {
    await using writer = blobs().write();
    await writer.append(pieces('a', 'bc'));
    expect([writer.digest(), writer.digest()]).toEqual([digestOf('abc'), digestOf('abc')]);
    await writer.commit(writer.digest());
    expect(await blobs().size(digestOf('abc'))).toBe(3);
  });

  it('refuses a wrong digest, and stores nothing under it', async () => {
    await using writer = blobs().write();
    await writer.append(pieces('true'));
    await expect(writer.commit(digestOf('false'))).rejects.toMatchObject({ code: 'BLOB_DIGEST_WRONG' });
    expect(await Array.fromAsync(blobs().list())).toEqual([]);
  });

  it('resumes after a failed source, with all bytes so far', async () => {
    await using writer = blobs().write();
    await expect(writer.append(cutOff('half'))).rejects.toThrow('cut off');
    expect([writer.size, writer.isBroken]).toEqual([4, false]);
    await writer.append(pieces(' and half'));
    await writer.commit(digestOf('half and half'));
    expect(await blobs().size(digestOf('half and half'))).toBe(13);
  });

  it('writes nothing of a refused source, and does not end it', async () => {
    await using writer = blobs().write();
    const source = pieces('too much');
    const told: number[] = [];
    const refusal = writer.append(source, (bytes) => {
      told.push(bytes);
      throw new Error('no room');
    });
    await expect(refusal).rejects.toThrow('no room');
    expect([writer.size, writer.isBroken, told[0]]).toEqual([0, false, 8]);
  });

  it('that is cancelled leaves nothing', async () => {
    const giveUp = async (writer: BlobWriter) => {
      await using _ = writer;
      await writer.append(pieces('half'));
    };
    await giveUp(blobs().write());
    expect(await place().count()).toBe(0);
  });
}

function readTests({ blobs }: Context): void {
  it.each([
    ['the first byte', 0, 0, '0'],
    ['the middle', 3, 5, '345'],
    ['the last byte', 9, 9, '9'],
    ['all', 0, 9, '0123456789'],
  ])('returns %s of a blob', async (_title, first, last, expected) => {
    const digest = await blobs().put(Buffer.from('0123456789'));
    expect(await text(await blobs().open(digest, { first, last }))).toBe(expected);
    await using copier = await blobs().copier(digest, { first, last });
    const taken: string[] = [];
    await copier.copy(async (bytes) => {
      taken.push(String(bytes));
    });
    expect(taken.join('')).toBe(expected);
  });

  it('returns a long blob whole and in part, through every method', async () => {
    const bytes = randomBytes(2_000_000);
    const digest = await blobs().put(bytes);
    expect(await buffer(await blobs().open(digest))).toEqual(bytes);
    await using copier = await blobs().copier(digest, { first: 1_000, last: 1_999_000 });
    const taken: Buffer[] = [];
    await copier.copy(async (part) => {
      taken.push(Buffer.from(part));
    });
    expect(Buffer.concat(taken)).toEqual(bytes.subarray(1_000, 1_999_001));
  });

  it('says that a blob is missing', async () => {
    const missing = { code: 'BLOB_NOT_FOUND' };
    await expect(blobs().get(nowhere)).rejects.toMatchObject(missing);
    await expect(blobs().open(nowhere)).rejects.toMatchObject(missing);
    await expect(blobs().copier(nowhere, { first: 0, last: 1 })).rejects.toMatchObject(missing);
    await expect(blobs().localFile(nowhere)).rejects.toMatchObject(missing);
    expect([await blobs().has(nowhere), await blobs().size(nowhere)]).toEqual([false, undefined]);
  });

  it('refuses a blob that is longer than allowed', async () => {
    const digest = await blobs().put(Buffer.from('12345'));
    expect(String(await blobs().get(digest, 5))).toBe('12345');
    await expect(blobs().get(digest, 4)).rejects.toMatchObject({ code: 'FILE_INVALID' });
  });

  it('works through functions that were taken from the store', async () => {
    const { put, get, open, copier, localFile, has } = blobs();
    const digest = await put(Buffer.from('taken'));
    expect([String(await get(digest)), await text(await open(digest)), await has(digest)]).toEqual([
      ...['taken', 'taken', true],
    ]);
    await using _copier = await copier(digest, { first: 0, last: 4 });
    await using _file = await localFile(digest);
  });

  it('lists all blobs', async () => {
    expect(await Array.fromAsync(blobs().list())).toEqual([]);
    const digests = await Promise.all(['a', 'b', 'c'].map((part) => blobs().put(Buffer.from(part))));
    expect((await Array.fromAsync(blobs().list())).toSorted()).toEqual(digests.toSorted());
  });
}

function heldTests({ blobs, place }: Context): void {
  it('has the bytes, and outlives a delete', async () => {
    const digest = await blobs().put(Buffer.from('held'));
    const first = await blobs().localFile(digest);
    const second = await blobs().localFile(digest);
    await blobs().delete(digest);
    expect(await blobs().has(digest)).toBe(false);
    expect(await readFile(first.path, 'utf8')).toBe('held');
    await first[Symbol.asyncDispose]();
    expect(await readFile(second.path, 'utf8')).toBe('held');
    await second[Symbol.asyncDispose]();
    expect(await place().count()).toBe(0);
  });

  it('is not a blob, and deletes none', async () => {
    const digest = await blobs().put(Buffer.from('held'));
    const file = await blobs().localFile(digest);
    expect(await Array.fromAsync(blobs().list())).toEqual([digest]);
    await file[Symbol.asyncDispose]();
    expect(String(await blobs().get(digest))).toBe('held');
    expect(await place().count()).toBe(1);
  });
}
