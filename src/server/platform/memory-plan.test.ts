import { expect, test } from 'vitest';
import { memoryPlan, neededMiB, ownMemoryStatus } from './memory-plan.ts';

const mebibyte = 1024 * 1024;
const limitOf = (mib: number, isShared = false) =>
  ({ folder: '/g', version: 1, limitBytes: mib * mebibyte, isShared }) as const;
const planOf = (mib: number) => memoryPlan(limitOf(mib));
const flag = (flags: readonly string[], name: string) =>
  Number(flags.find((each) => each.startsWith(`--${name}=`))?.split('=')[1]);

test('without a limit Ward uses memory for speed, and refuses nothing', () => {
  expect(memoryPlan(undefined)).toEqual({
    keeperFlags: ['--max-semi-space-size=1'],
    serverFlags: ['--max-semi-space-size=64', '--expose-gc'],
    databaseCacheKiB: 32 * 1024,
    shortBytes: undefined,
    scanIdleMs: undefined,
  });
});

test.each([
  [352, { semi: 12, old: 192, keeper: 64, cache: 12, short: 236, idle: 1000 }],
  [400, { semi: 15, old: 240, keeper: 64, cache: 15, short: 280, idle: 1000 }],
  [1024, { semi: 54, old: 864, keeper: 108, cache: 32, short: 841, idle: undefined }],
  [65_536, { semi: 64, old: 4096, keeper: 512, cache: 32, short: 58_902, idle: undefined }],
])('under %d MiB', (mib, shares) => {
  const { serverFlags, keeperFlags, databaseCacheKiB, shortBytes, scanIdleMs } = planOf(mib);
  expect({
    semi: flag(serverFlags, 'max-semi-space-size'),
    old: flag(serverFlags, 'max-old-space-size'),
    keeper: flag(keeperFlags, 'max-old-space-size'),
    cache: databaseCacheKiB / 1024,
    short: Math.floor((shortBytes ?? 0) / mebibyte),
    idle: scanIdleMs,
  }).toEqual(shares);
  for (const flags of [serverFlags, keeperFlags])
    expect(flags.includes('--memory-saver-mode')).toBe(mib < 1024);
});

test('under a limit shared with sandboxes, Ward leaves most to them, and refuses nothing', () => {
  const { serverFlags, shortBytes } = memoryPlan(limitOf(2048, true));
  expect([flag(serverFlags, 'max-old-space-size'), shortBytes]).toEqual([454, undefined]);
});

test('reports needed memory beside allowed memory', () => {
  const neededBytes = neededMiB * mebibyte;
  const limited = (mib: number) => ownMemoryStatus(limitOf(mib));
  expect(limited(neededMiB)).toEqual({
    ...{ neededBytes, allowedBytes: neededBytes, isLimited: true, isEnough: true },
  });
  expect(limited(neededMiB - 1)).toMatchObject({ isLimited: true, isEnough: false });
});
