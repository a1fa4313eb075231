import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mustRun } from '../../lib/index.ts';
import { createDiskUse } from './disk-use.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ward-disk-use-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

async function put(path: string, bytes: number): Promise<void> {
  await mkdir(dirname(join(dataDir, path)), { recursive: true });
  await writeFile(join(dataDir, path), Buffer.alloc(bytes, 1));
}

async function seed(): Promise<void> {
  for (const [path, bytes] of [
    ['state/ward.db', 100_000],
    ['state/ward.db-wal', 50_000],
    ['code/blobs/sha256/ab/abcd', 9000],
    ['registry/registry.db', 20_000],
    ['gate/gate.db', 30_000],
    ['gate/layers/one', 40_000],
    ['advisories/advisories.db', 60_000],
    ['reserve', 8192],
    ['guest.auth', 80],
    ['constructor', 1],
    ['images/blobs/sha256/one', 70_000],
    ['images/layers/unpacked/one/usr/bin/node', 80_000],
    ['images/index.json', 100],
  ] as const)
    await put(path, bytes);
}

const config = () => ({ dataDir, imagesDir: join(dataDir, 'images') });

test('everything in the folders is counted once, as du does', async () => {
  await seed();
  // Layers share files, and lead elsewhere.
  await link(join(dataDir, 'images/layers/unpacked/one/usr/bin/node'), join(dataDir, 'images/layers/again'));
  await symlink('/', join(dataDir, 'images/layers/root'));
  const { parts, totalBytes } = await createDiskUse({ config: config() })();
  const sizes = Object.fromEntries(parts.map(({ what, bytes }) => [what, bytes]));
  const du = async (...paths: string[]) => {
    const named = paths.map((path) => join(dataDir, path));
    const text = await mustRun(['du', '--summarize', '--total', '--block-size=1', '--', ...named]);
    return Number(/(\d+)\ttotal/.exec(text)?.[1]);
  };
  expect(sizes).toEqual({
    database: await du('state'),
    code: await du('code'),
    images: await du('registry'),
    evidence: await du('gate/gate.db'),
    'scan-cache': await du('gate/layers'),
    advisories: await du('advisories'),
    'runtime-images': await du('images/blobs'),
    'unpacked-images': await du('images/layers'),
    reserve: await du('reserve'),
    other: await du('guest.auth', 'constructor', 'images/index.json'),
  });
  expect(parts.map(({ bytes }) => bytes)).toEqual(parts.map(({ bytes }) => bytes).toSorted((a, b) => b - a));
  expect(parts.every(({ isWhole }) => isWhole)).toBe(true);
  expect(parts.find(({ what }) => what === 'database')).toMatchObject({
    ...{ files: 2, paths: [join(dataDir, 'state')] },
  });
  expect(totalBytes).toBeGreaterThan(sizes['database'] ?? Number.NaN);
});

test('a folder with very many files is not counted to its end, and says so', async () => {
  for (let at = 0; at < 30; at++) await put(`code/${at % 3}/${at}`, 10);
  await put('state/ward.db', 10);
  const { parts } = await createDiskUse({ config: config(), mostEntries: 20 })();
  const code = parts.find(({ what }) => what === 'code');
  expect(code?.isWhole).toBe(false);
  expect(code?.files).toBeLessThan(20);
  expect(parts.find(({ what }) => what === 'database')?.isWhole).toBe(true);
});

test('a look is good for a while, and one that failed is not', async () => {
  await seed();
  let now = 1000;
  const look = createDiskUse({ config: config(), goodForMs: 500, now: () => now });
  const [first, same] = await Promise.all([look(), look()]);
  expect(same).toBe(first);
  now = 1499;
  expect(await look()).toBe(first);
  now = 1500;
  expect(await look()).toMatchObject({ at: 1500 });
  const away = createDiskUse({ config: { ...config(), dataDir: join(dataDir, 'absent') }, now: () => now });
  await expect(away()).rejects.toMatchObject({ code: 'ENOENT' });
  await mkdir(join(dataDir, 'absent'));
  expect(await away()).toMatchObject({ at: 1500 });
});
