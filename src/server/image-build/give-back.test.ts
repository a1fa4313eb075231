import { lstatSync } from 'node:fs';
import { chown, link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { giveBack } from './give-back.ts';

const owner = 4_000_003;

test.skipIf(process.geteuid?.() !== 0)(
  'only files that root made in another user’s folder are given to that user',
  async () => {
    const place = await mkdtemp(join(tmpdir(), 'ward-give-back-'));
    try {
      const [store, outside] = [join(place, 'images'), join(place, 'outside')];
      await mkdir(join(store, 'blobs/new/er'), { recursive: true });
      await mkdir(outside);
      for (const path of [store, join(store, 'blobs')]) await chown(path, owner, owner);
      const files = [
        'blobs/a',
        'blobs/new/b',
        'blobs/new/er/c',
        '../outside/theirs',
        '../outside/twice',
        'blobs/other',
      ];
      for (const file of files) await writeFile(join(store, file), file);
      await chown(join(store, 'blobs/other'), owner + 1, owner + 1);
      await symlink(outside, join(store, 'blobs/way-out'));
      await link(join(outside, 'twice'), join(store, 'blobs/twice'));
      giveBack(store);
      const uid = (path: string) => lstatSync(join(store, path)).uid;
      expect(['', 'blobs/a', 'blobs/new', 'blobs/new/b', 'blobs/new/er', 'blobs/new/er/c'].map(uid)).toEqual(
        Array(6).fill(owner),
      );
      expect(['../outside', '../outside/theirs', '../outside/twice', 'blobs/other'].map(uid)).toEqual([
        0,
        0,
        0,
        owner + 1,
      ]);
    } finally {
      await rm(place, { recursive: true });
    }
  },
);

test.skipIf(process.geteuid?.() !== 0)('a folder of root keeps its owner', async () => {
  const place = await mkdtemp(join(tmpdir(), 'ward-give-back-'));
  await writeFile(join(place, 'a'), '');
  giveBack(place);
  giveBack('/nonexistent/store');
  expect(lstatSync(join(place, 'a')).uid).toBe(0);
  await rm(place, { recursive: true });
});
