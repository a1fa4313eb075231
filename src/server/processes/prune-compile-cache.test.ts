import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pruneCompileCache } from './prune-compile-cache.ts';

const day = 86_400_000;

test('removes what was not used for a week, once a day, and follows no link', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-compiled-'));
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
  const [cache, other] = [join(folder, 'cache'), join(folder, 'other')];
  const used = async (path: string, daysAgo: number) => {
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, 'compiled');
    const at = new Date(Date.now() - daysAgo * day);
    await utimes(path, at, at);
  };
  await used(join(cache, 'v24', 'old'), 8);
  await used(join(cache, 'v24', 'new'), 6);
  await used(join(cache, 'v22', 'old'), 8);
  await used(join(other, 'kept'), 8);
  await symlink(other, join(cache, 'v20'));
  await symlink(join(other, 'kept'), join(cache, 'v24', 'link'));
  expect(await pruneCompileCache(cache)).toBe(2);
  expect((await readdir(cache)).toSorted()).toEqual(['pruned', 'v20', 'v24']);
  expect((await readdir(join(cache, 'v24'))).toSorted()).toEqual(['link', 'new']);
  expect(existsSync(join(other, 'kept'))).toBe(true);
  expect(await pruneCompileCache(cache, Date.now() + day - 60_000)).toBeUndefined();
  expect(await pruneCompileCache(cache, Date.now() + day + 60_000)).toBe(1);
});
