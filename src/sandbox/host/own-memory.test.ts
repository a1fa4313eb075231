import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chargedBytes, ownMemory } from './own-memory.ts';

let mount: string;
beforeEach(async () => {
  mount = await mkdtemp(join(tmpdir(), 'ward-own-memory-'));
});
afterEach(() => rm(mount, { recursive: true }));

function write(group: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(mount, group), { recursive: true });
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(mount, group, name), `${content}\n`);
}
const v1 = () => [{ path: mount, type: 'cgroup', options: ['rw', 'memory'] }];
const v2 = () => [{ path: mount, type: 'cgroup2', options: ['rw'] }];

test('version 1: the lowest limit on the way up', () => {
  write('', { 'memory.limit_in_bytes': '9223372036854771712' });
  write('a', { 'memory.limit_in_bytes': '300' });
  write('a/b', { 'memory.limit_in_bytes': '400' });
  expect(ownMemory(v1(), '4:cpu,memory:/a/b\n0::/x\n')).toEqual({
    ...{ folder: join(mount, 'a'), version: 1, limitBytes: 300, isShared: false },
  });
  write('a/b', { 'memory.limit_in_bytes': '200' });
  expect(ownMemory(v1(), '4:memory:/a/b')).toMatchObject({ folder: join(mount, 'a/b'), limitBytes: 200 });
});

test('version 2: memory.max and memory.high', () => {
  write('', {});
  write('a', { 'memory.max': 'max', 'memory.high': '500' });
  write('a/b', { 'memory.max': '600', 'memory.high': 'max' });
  expect(ownMemory(v2(), '0::/a/b\n')).toMatchObject({
    folder: join(mount, 'a'),
    version: 2,
    limitBytes: 500,
  });
});

test('a container that sees its own group as the mount shares its limit with sandboxes', () => {
  write('', { 'memory.max': '700' });
  for (const group of ['/', '/docker/of-the-host'])
    expect(ownMemory(v2(), `0::${group}`)).toMatchObject({ folder: mount, limitBytes: 700, isShared: true });
});

test('there is no limit without a value, a group or a mount', () => {
  write('a', { 'memory.max': 'max', 'memory.limit_in_bytes': '9223372036854771712' });
  expect([ownMemory(v1(), '4:memory:/a'), ownMemory(v2(), '0::/a'), ownMemory([], '0::/a')]).toEqual([
    ...[undefined, undefined, undefined],
  ]);
  expect(ownMemory(v1(), '4:cpu:/a')).toBeUndefined();
});

test('copies of files don’t count as charged', () => {
  write('one', {
    'memory.usage_in_bytes': '1000',
    'memory.stat': 'active_file 1\ntotal_inactive_file 300\ntotal_active_file 200',
  });
  write('two', { 'memory.current': '1000', 'memory.stat': 'anon 3\ninactive_file 30\nactive_file 20' });
  expect(
    [1, 2].map((version) =>
      chargedBytes({ folder: join(mount, ['one', 'two'][version - 1] ?? ''), version: version as 1 | 2 }),
    ),
  ).toEqual([500, 950]);
  expect(chargedBytes({ folder: join(mount, 'none'), version: 1 })).toBeUndefined();
});
