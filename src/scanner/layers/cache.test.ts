import { readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { analysisOf, filesTar, passwordInspector, temporaryFolder } from '../scanner.fixture.ts';
import { openLayerCache, revisionOf } from './cache.ts';

const analysis = await analysisOf(
  await filesTar({ 'node_modules/a/package.json': '{"name":"a","version":"1.0.0"}', '.env': 'hunter2' }),
  [passwordInspector],
);

describe('the analysis of a layer', () => {
  it('is cached for each revision of the analysers', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'layers');
    await openLayerCache(dir, async () => 'one').put(analysis);
    expect(await openLayerCache(dir, async () => 'one').get(analysis.digest)).toEqual(analysis);
    expect(await openLayerCache(dir, async () => 'two').get(analysis.digest)).toBeUndefined();
    expect(await openLayerCache(dir, async () => 'one').get(digestOf('other'))).toBeUndefined();
  });

  it('is not used if its file is damaged, cut or of another layer', async () => {
    await using folder = await temporaryFolder();
    const cache = openLayerCache(folder.path, async () => 'one');
    await cache.put(analysis);
    const [name = ''] = await readdir(folder.path);
    const path = join(folder.path, name);
    const bytes = await readFile(path);
    for (const damaged of [bytes.subarray(0, -5), Buffer.from('hello'), Buffer.alloc(0)]) {
      await writeFile(path, damaged);
      expect(await cache.get(analysis.digest)).toBeUndefined();
    }
    for (const at of bytes.keys()) {
      await writeFile(
        path,
        bytes.map((byte, each) => (each === at ? byte ^ 1 : byte)),
      );
      // A bit of the frame's header may mean nothing.
      expect([analysis, undefined]).toContainEqual(await cache.get(analysis.digest));
    }
    const other = { ...analysis, digest: digestOf('other') };
    await cache.put(other);
    const [otherName = ''] = (await readdir(folder.path)).filter((each) => each !== name);
    await writeFile(path, await readFile(join(folder.path, otherName)));
    expect(await cache.get(analysis.digest)).toBeUndefined();
  });

  it('is written under its own name, so that a killed write leaves no other file', async () => {
    await using folder = await temporaryFolder();
    const cache = openLayerCache(folder.path, async () => 'one');
    await cache.put(analysis);
    const names = await readdir(folder.path);
    let isWritten = false;
    const writing = cache.put(analysis).then(() => {
      isWritten = true;
    });
    while (!isWritten) expect(await readdir(folder.path)).toEqual(names);
    await writing;
  });

  it('is removed when the cache is full, the least recently used first, and so are leftovers of killed writes', async () => {
    await using folder = await temporaryFolder();
    // Sparse files, which take no room.
    const sized = async (name: string, mebibytes: number, ageMinutes: number) => {
      const path = join(folder.path, name);
      await writeFile(path, '');
      await truncate(path, mebibytes * 1024 ** 2);
      const usedAt = new Date(Date.now() - ageMinutes * 60_000);
      await utimes(path, usedAt, usedAt);
    };
    await sized('.tmp-old', 1, 50);
    await sized('old.json.zst', 1, 40);
    await sized('.tmp-fresh', 200, 30);
    await sized('used.json.zst', 300, 20);
    // The first write after a start checks the total size.
    const leftAfterAWrite = async () => {
      await openLayerCache(folder.path, async () => 'one').put(analysis);
      return (await readdir(folder.path)).filter((name) => !/^[0-9a-f]{64}/.test(name)).sort();
    };
    expect(await leftAfterAWrite()).toEqual(['.tmp-fresh', '.tmp-old', 'old.json.zst', 'used.json.zst']);
    await sized('latest.json.zst', 11, 10);
    expect(await leftAfterAWrite()).toEqual(['.tmp-fresh', 'latest.json.zst', 'used.json.zst']);
    expect(await openLayerCache(folder.path, async () => 'one').get(analysis.digest)).toEqual(analysis);
  });

  it('is not cached without a folder', async () => {
    const cache = openLayerCache(undefined, async () => 'one');
    await cache.put(analysis);
    expect(await cache.get(analysis.digest)).toBeUndefined();
  });
});

it('the revision depends on the analysers, and on how layers are read', () => {
  const one = { catalogers: [], inspectors: [passwordInspector] };
  const newer = { catalogers: [], inspectors: [{ ...passwordInspector, revision: '2' }] };
  expect(revisionOf(one)).toBe(revisionOf({ ...one }));
  expect(
    new Set([revisionOf(one), revisionOf(newer), revisionOf({ catalogers: [], inspectors: [] })]).size,
  ).toBe(3);
});
