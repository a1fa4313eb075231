import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../images/index.ts';
import { analysisOf, filesTar, passwordInspector, temporaryFolder } from '../scanner.fixture.ts';
import { openLayerCache, revisionOf } from './cache.ts';

const analysis = await analysisOf(
  await filesTar({ 'node_modules/a/package.json': '{"name":"a","version":"1.0.0"}', '.env': 'hunter2' }),
  [passwordInspector],
);

describe('what was read of a layer', () => {
  it('is kept for whoever looks with the same eyes', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'layers');
    await openLayerCache(dir, async () => 'one').put(analysis);
    expect(await openLayerCache(dir, async () => 'one').get(analysis.digest)).toEqual(analysis);
    expect(await openLayerCache(dir, async () => 'two').get(analysis.digest)).toBeUndefined();
    expect(await openLayerCache(dir, async () => 'one').get(digestOf('other'))).toBeUndefined();
  });

  it('is not used when its file is damaged, cut or of another layer', async () => {
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
    const other = { ...analysis, digest: digestOf('other') };
    await cache.put(other);
    const [otherName = ''] = (await readdir(folder.path)).filter((each) => each !== name);
    await writeFile(path, await readFile(join(folder.path, otherName)));
    expect(await cache.get(analysis.digest)).toBeUndefined();
  });

  it('is not kept where there is no folder for it', async () => {
    const cache = openLayerCache(undefined, async () => 'one');
    await cache.put(analysis);
    expect(await cache.get(analysis.digest)).toBeUndefined();
  });
});

it('depends on who looks, and on how', () => {
  const one = { catalogers: [], inspectors: [passwordInspector] };
  const newer = { catalogers: [], inspectors: [{ ...passwordInspector, revision: '2' }] };
  expect(revisionOf(one)).toBe(revisionOf({ ...one }));
  expect(
    new Set([revisionOf(one), revisionOf(newer), revisionOf({ catalogers: [], inspectors: [] })]).size,
  ).toBe(3);
});
