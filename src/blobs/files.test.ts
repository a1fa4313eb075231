import { appendFile, mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import { blobPath, blobSize, openBlobStore, putStream, removeHalfWrittenBlobs } from './files.ts';
import { temporaryBeside } from './whole-file.ts';

const temporaryFolder = () => mkdtempDisposable(join(tmpdir(), 'ward-blobs-'));

describe('blob store', () => {
  it('returns what was put, under the digest of OCI', async () => {
    await using folder = await temporaryFolder();
    const blobs = openBlobStore(folder.path);
    const bytes = Buffer.from('hello');
    const digest = await blobs.put(bytes);
    expect(digest).toBe(digestOf(bytes));
    expect(await blobs.get(digest)).toEqual(bytes);
    expect(await blobs.has(digest)).toBe(true);
    expect(await readdir(join(folder.path, 'blobs', 'sha256'))).toEqual([digest.slice(7)]);
  });

  it('keeps one copy when many put the same at once, and nothing half-written', async () => {
    await using folder = await temporaryFolder();
    const bytes = Buffer.alloc(300_000, 'x');
    const stores = [openBlobStore(folder.path), openBlobStore(folder.path)];
    const digests = await Promise.all(Array.from({ length: 40 }, (_, at) => stores[at % 2]?.put(bytes)));
    expect(new Set(digests)).toEqual(new Set([digestOf(bytes)]));
    expect(await readdir(join(folder.path, 'blobs', 'sha256'))).toHaveLength(1);
  });

  it('says that a blob is missing', async () => {
    await using folder = await temporaryFolder();
    const blobs = openBlobStore(folder.path);
    expect(await blobs.has(digestOf('none'))).toBe(false);
    await expect(blobs.get(digestOf('none'))).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
    await blobs.delete(digestOf('none'));
  });

  it('lists what is there, and no file that is not a blob', async () => {
    await using folder = await temporaryFolder();
    const blobs = openBlobStore(folder.path);
    expect(await Array.fromAsync(blobs.list())).toEqual([]);
    const digests = await Promise.all(['a', 'b', 'c'].map((text) => blobs.put(Buffer.from(text))));
    await writeFile(join(folder.path, 'blobs', 'sha256', 'new.1234'), 'half');
    expect((await Array.fromAsync(blobs.list())).toSorted()).toEqual(digests.toSorted());
  });

  it('notices damage when it reads, and repairs it when the same is put again', async () => {
    await using folder = await temporaryFolder();
    const blobs = openBlobStore(folder.path);
    const digest = await blobs.put(Buffer.from('whole'));
    await writeFile(blobPath(folder.path, digest), 'whale');
    await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    await blobs.put(Buffer.from('whole'));
    expect((await blobs.get(digest)).toString()).toBe('whole');
    await appendFile(blobPath(folder.path, digest), '!');
    await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
  });

  it('removes what a put that was killed has left, and nothing else', async () => {
    await using folder = await temporaryFolder();
    await removeHalfWrittenBlobs(folder.path);
    const digest = await openBlobStore(folder.path).put(Buffer.from('whole'));
    await writeFile(temporaryBeside(blobPath(folder.path, digest)), 'who');
    await removeHalfWrittenBlobs(folder.path);
    expect(await readdir(join(folder.path, 'blobs', 'sha256'))).toEqual([digest.slice(7)]);
  });

  it('deletes', async () => {
    await using folder = await temporaryFolder();
    const blobs = openBlobStore(folder.path);
    const digest = await blobs.put(Buffer.from('gone'));
    await blobs.delete(digest);
    expect(await blobs.has(digest)).toBe(false);
  });

  it('stores a stream, and leaves nothing of one that fails', async () => {
    await using folder = await temporaryFolder();
    const { digest, size } = await putStream(
      folder.path,
      Readable.from([Buffer.from('ab'), Buffer.from('c')]),
    );
    expect(digest).toBe(digestOf('abc'));
    expect(size).toBe(3);
    expect(await blobSize(folder.path, digest)).toBe(3);
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from('half');
        throw new Error('cut off');
      })(),
    );
    await expect(putStream(folder.path, failing)).rejects.toThrow('cut off');
    expect(await readdir(join(folder.path, 'blobs', 'sha256'))).toHaveLength(1);
  });
});
