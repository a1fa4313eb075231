/** The decisions. test/full-disk.test.ts tests them on a disk that is really full. */
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { diskStatus, openDiskReserve } from './disk-reserve.ts';

const mebibyte = 1024 * 1024;
const never = 1e9;
const refusal = expect.objectContaining({ code: 'DISK_RESERVED', kind: 'full' });
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ward-reserve-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function free(): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

const opened = (reserveBytes?: number) =>
  openDiskReserve({ file: join(dir, 'reserve'), reserveBytes, lookMs: never, log: silentLog });

test('with room, everything is admitted, and a file holds a quarter of a small reserve', async () => {
  await using reserve = await opened(4 * mebibyte);
  reserve.admitWrite(mebibyte);
  reserve.admitCall();
  expect(reserve.status()).toMatchObject({ reserveBytes: 4 * mebibyte, state: 'ample' });
  expect(await readdir(dir)).toEqual(['reserve']);
});

test('below the reserve writes are refused, and below half of it calls, too', async () => {
  const now = await free();
  await using short = await opened(Math.floor(now * 1.3));
  expect(() => short.admitWrite(1)).toThrow(refusal);
  short.admitCall();
  expect(short.status().state).toBe('short');
  await using critical = await opened(now * 4);
  expect(() => critical.admitWrite(1)).toThrow(refusal);
  expect(() => critical.admitCall()).toThrow(refusal);
  expect((await diskStatus(dir, now * 4)).state).toBe('critical');
  expect(await readdir(dir)).toEqual([]);
});

test('between two checks, admitted writes count as written', async () => {
  await using reserve = await opened(mebibyte);
  const { freeBytes } = reserve.status();
  reserve.admitWrite(freeBytes - 3 * mebibyte);
  reserve.admitWrite(mebibyte);
  expect(() => reserve.admitWrite(2 * mebibyte)).toThrow(refusal);
});

test('the default reserve is a gibibyte, or a twentieth of a small disk', async () => {
  const { blocks, bsize } = await statfs(dir);
  const { reserveBytes } = await diskStatus(dir, undefined);
  expect(reserveBytes).toBe(Math.min(1024 * mebibyte, Math.floor(blocks * bsize * 0.05)));
});
