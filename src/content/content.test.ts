import { tmpdir } from 'node:os';
import { expect, test, vi } from 'vitest';
import { digestOf, openBlobStore } from '../blobs/index.ts';
import { createContent } from './content.ts';
import type { RegistryDatabase } from './database.ts';

test('does not ask for a removal that this process marked before it stood still', async () => {
  const remove = vi.fn(async () => {});
  const blobs = { ...openBlobStore(tmpdir()), delete: remove };
  let stoodMs = 0;
  const db: Pick<RegistryDatabase, 'removeBlob'> = {
    async removeBlob(_digest, _times, removeBytes) {
      const real = performance.now();
      using _ = vi.spyOn(performance, 'now').mockImplementation(() => real + stoodMs);
      await removeBytes();
      return 1;
    },
  };
  const content = createContent(blobs, db as RegistryDatabase);
  expect(await content.remove(digestOf('x'), 0)).toBe(1);
  stoodMs = 60_000;
  await expect(content.remove(digestOf('x'), 0)).rejects.toMatchObject({ code: 'BLOB_BUSY' });
  expect(remove).toHaveBeenCalledTimes(1);
});
