/** Which databases can be served together, tested with real databases of the rooms. */
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

/** Does what a start does when its databases exist. */
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
  ])(
    'are refused when one comes from another folder (%i), unless that is accepted once',
    async (index, name) => {
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
      // The mixed folder has its own id from now on, not one of its two sources.
      expect([idOf(other), undefined]).not.toContain(idOf(one));
    },
  );

  test('are refused by their own ids, even without the file', async () => {
    await start(one);
    await start(other);
    bring(1, other, one);
    rmSync(fileOf(one));
    await expect(start(one)).rejects.toMatchObject({ code: 'DATA_DIR_MIXED' });
  });

  test('are refused when one comes from a Ward without ids', async () => {
    await start(one);
    bring(0, other, one);
    await expect(start(one)).rejects.toMatchObject({
      code: 'DATA_DIR_MIXED',
      message: expect.stringContaining('state/ward.db: no id'),
    });
  });

  test.each([0, 1, 2])('are all marked after a first start that ended after %i of them', async (marked) => {
    const folder = checkFolderId(one.dataDir, false, silentLog);
    folder.unmark();
    const id = 'a'.repeat(32);
    for (const path of databasesOf(one.dataDir).slice(0, marked)) writeFolderMark(path, id);
    await start(one);
    expect(new Set([...marksOf(one), idOf(one)]).size).toBe(1);
    if (marked > 0) expect(idOf(one)).toBe(id);
  });

  test('accept a recreated one, even if that start ended before marking it', async () => {
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

  test('keep their id when a backup replaces another folder’s content', async () => {
    await start(one);
    await start(other);
    const { file } = await backupOf(one);
    const id = idOf(one);
    await restoreTo(other, file, true);
    expect(existsSync(fileOf(other))).toBe(false);
    await start(other);
    expect([idOf(other), ...marksOf(other)]).toEqual([id, id, id, id]);
  });

  test('an unreadable one is left to its room to report', async () => {
    await start(one);
    writeFileSync(databasesOf(one.dataDir)[1] ?? '', 'no database');
    expect(() => checkFolderId(one.dataDir, false, silentLog)).not.toThrow();
  });
});
