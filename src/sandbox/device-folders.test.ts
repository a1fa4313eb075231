import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDeviceFolders } from './device-folders.ts';
import { isIsolated } from './host/isolated.ts';
import { readMounts } from './host/mounts.ts';

const missing = isIsolated() ? '' : ' (needs Ward’s isolation: run npm test as root)';

/** The reason why no devices can be made here. */
async function openedAndClosed(dir: string): Promise<void> {
  const folders = openDeviceFolders(dir);
  await expect(folders.take()).rejects.toThrow();
  await folders.close();
}

describe.skipIf(missing !== '')(`folders of device files${missing}`, () => {
  test('belong to one sandbox until they are released, and are removed at the end', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'ward-devices-'));
    const dir = join(parent, 'devices');
    const folders = openDeviceFolders(dir);
    const taken = await Promise.all(Array.from({ length: 40 }, () => folders.take()));
    expect(new Set(taken.map(({ path }) => path)).size).toBe(40);
    const inodes = taken.map(({ path }) => lstatSync(join(path, 'null')).ino);
    expect(new Set(inodes).size).toBe(40);
    taken[7]?.release();
    const before = readdirSync(dir).length;
    const others = await Promise.all(Array.from({ length: before - 39 }, () => folders.take()));
    expect(others.map(({ path }) => path)).toContain(taken[7]?.path);
    expect(readdirSync(dir)).toHaveLength(before);
    await folders.close();
    expect(existsSync(dir)).toBe(false);
    expect(readMounts().some(({ path }) => path === dir)).toBe(false);
    await rm(parent, { recursive: true });
  });

  test('have the six devices, which a sandbox can use but not change', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'ward-devices-'));
    const folders = openDeviceFolders(join(parent, 'devices'));
    const { path } = await folders.take();
    const numbers = (name: string) => {
      const { mode, rdev, uid } = lstatSync(join(path, name));
      return [(mode & 0o170_777).toString(8), rdev >> 8, rdev & 255, uid];
    };
    expect(readdirSync(path).sort()).toEqual([
      ...['fd', 'full', 'null', 'random', 'shm', 'stderr', 'stdin', 'stdout', 'tty', 'urandom', 'zero'],
    ]);
    const devices = {
      null: [1, 3],
      zero: [1, 5],
      full: [1, 7],
      random: [1, 8],
      urandom: [1, 9],
      tty: [5, 0],
    };
    for (const [name, device] of Object.entries(devices)) {
      expect(numbers(name), name).toEqual(['20666', ...device, 0]);
    }
    await folders.close();
    await rm(parent, { recursive: true });
  });

  test('are made by the next attempt when the first fails, and close without any', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'ward-devices-'));
    const dir = join(parent, 'devices');
    await writeFile(dir, 'in the way');
    const folders = openDeviceFolders(dir);
    await expect(folders.take()).rejects.toMatchObject({ code: 'EEXIST' });
    await openedAndClosed(dir);
    await rm(dir);
    const { path } = await folders.take();
    expect(existsSync(join(path, 'null'))).toBe(true);
    await folders.close();
    await rm(parent, { recursive: true });
  });

  test('that were never taken are never made', async () => {
    const dir = join(tmpdir(), 'ward-devices-never');
    await openDeviceFolders(dir).close();
    expect(existsSync(dir)).toBe(false);
  });
});
