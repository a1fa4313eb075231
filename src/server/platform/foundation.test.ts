import { expect, test } from 'vitest';
import { type BlobStore, blobFault } from '../../blobs/index.ts';
import { dataPaths } from '../instance/instance.ts';
import { openCode } from './foundation.ts';

const digest = `sha256:${'a'.repeat(64)}`;

/** Blobs elsewhere, of which one has no known size. */
function open(failure: Error) {
  const code = { size: () => Promise.reject(failure) } as Partial<BlobStore> as BlobStore;
  const unused = () => Promise.reject(new Error('unused'));
  return openCode({
    paths: dataPaths('/nonexistent'),
    store: { holdings: { get: unused, measureCode: unused, unmeasuredCode: async () => [digest] } },
    sharedBlobs: { openCode: async () => code },
  });
}

test('a bucket that is away keeps no server from starting; other trouble does', async () => {
  expect(await open(blobFault('BLOB_STORE_UNREACHABLE', 'no answer'))).toBeDefined();
  await expect(open(blobFault('BLOB_STORE_REFUSED', 'no right'))).rejects.toThrow('no right');
  await expect(open(new Error('no database'))).rejects.toThrow('no database');
});
