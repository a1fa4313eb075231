/** Which databases may be served together, with those that the rooms make. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { readFolderMark, writeFolderMark } from '../../store/index.ts';
import { backupOf, filledPlace, restoreTo, type TestFolder } from '../backup/backup.fixture.ts';
import { checkFolderId, databasesOf } from './folder-id.ts';
import { dataPaths } from './instance.ts';

let one: TestFolder;
let other: TestFolder;
beforeEach(async () => {
  vi.stubEnv('WARD_IMAGES', undefined);
  [one, other] = await Promise.all([filledPlace(), filledPlace()]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const place of [one, other]) await place[Symbol.asyncDispose]();
});

/** As a start does it whose databases are there. */
async function start({ dataDir }: TestFolder, isMixAccepted = false): Promise<void> {
  const folder = checkFolderId(dataDir, isMixAccepted, silentLog);
  folder.unmark();
  await folder.mark();
}

const fileOf = ({ dataDir }: TestFolder) => dataPaths(dataDir).folderId;
const idOf = (place: TestFolder) => readFileSync(fileOf(place), 'utf8').trim();
const marksOf = ({ dataDir }: TestFolder) => databasesOf(dataDir).map((path) => readFolderMark(path));

function bring(index: number, from: TestFolder, to: TestFolder): void {
  const [source, target] = [databasesOf(from.dataDir)[index] ?? '', databasesOf(to.dataDir)[index] ?? ''];
  copyFileSync(source, target);
  for (const side of ['-wal', '-shm']) {
    rmSync(`${target}${side}`, { force: true });
    if (existsSync(`${source}${side}`)) copyFileSync(`${source}${side}`, `${target}${side}`);
  }
}

describe('the databases of a data folder', () => {
  test('get one id at the first start, and keep it', async () => {
    await start(one);
    const id = idOf(one);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(marksOf(one)).toEqual([id, id, id]);
    await start(one);
    expect(marksOf(one)).toEqual([id, id, id]);
    await start(other);
    expect(idOf(other)).not.toBe(id);
  });

  test.each([
    [0, 'state/ward.db'],
    [1, 'gate/gate.db'],
    [2, 'registry/registry.db'],
  ])('are refused when another folder’s came in (%i), unless that is said once', async (index, name) => {
    await start(one);
    await start(other);
    const strange = idOf(other).slice(0, 8);
    bring(index, other, one);
    await expect(start(one)).rejects.toMatchObject({
      code: 'DATA_DIR_MIXED',
      message: expect.stringContaining(`${name}: ${strange}`),
      hint: expect.stringContaining('--accept-mixed'),
    });
    await start(one, true);
    await start(one);
    expect(new Set([...marksOf(one), idOf(one)]).size).toBe(1);
    // A folder of its own from now on: the two that it is made of are not it.
    expect([idOf(other), undefined]).not.toContain(idOf(one));
  });

  test('are refused by what they say alone, without the file', async () => {
    await start(one);
    await start(other);
    bring(1, other, one);
    rmSync(fileOf(one));
    await expect(start(one)).rejects.toMatchObject({ code: 'DATA_DIR_MIXED' });
  });

  test('are refused when one of a Ward that gave no ids came in', async () => {
    await start(one);
    bring(0, other, one);
    await expect(start(one)).rejects.toMatchObject({
      code: 'DATA_DIR_MIXED',
      message: expect.stringContaining('state/ward.db: no id'),
    });
  });

  test.each([0, 1, 2])('are marked further when a first start ended after %i of them', async (marked) => {
    const folder = checkFolderId(one.dataDir, false, silentLog);
    folder.unmark();
    const id = 'a'.repeat(32);
    for (const path of databasesOf(one.dataDir).slice(0, marked)) writeFolderMark(path, id);
    await start(one);
    expect(new Set([...marksOf(one), idOf(one)]).size).toBe(1);
    if (marked > 0) expect(idOf(one)).toBe(id);
  });

  test('accept one that was made anew, even if that start ended before marking it', async () => {
    await start(one);
    const id = idOf(one);
    const gate = databasesOf(one.dataDir)[1] ?? '';
    rmSync(dirname(gate), { recursive: true });
    checkFolderId(one.dataDir, false, silentLog).unmark();
    mkdirSync(dirname(gate));
    bring(1, other, one);
    await start(one);
    expect(marksOf(one)).toEqual([id, id, id]);
  });

  test('move together: by a backup into an empty folder, and over what another folder has', async () => {
    await start(one);
    await start(other);
    const { file } = await backupOf(one);
    const id = idOf(one);
    await restoreTo(other, file, true);
    expect(existsSync(fileOf(other))).toBe(false);
    await start(other);
    expect([idOf(other), ...marksOf(other)]).toEqual([id, id, id, id]);
  });

  test('one that can’t be read is left to its room to tell', async () => {
    await start(one);
    writeFileSync(databasesOf(one.dataDir)[1] ?? '', 'no database');
    expect(() => checkFolderId(one.dataDir, false, silentLog)).not.toThrow();
  });
});
