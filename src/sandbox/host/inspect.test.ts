import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cgroupFeatures, disksOf, inspectHost, parseProfiles } from './inspect.ts';
import { parseMounts } from './mounts.ts';

test('mount lines with blanks in their paths', () => {
  expect(parseMounts('none /a\\040b tmpfs rw,nosuid 0 0\n\n')).toEqual([
    { path: '/a b', type: 'tmpfs', options: ['rw', 'nosuid'] },
  ]);
});

const v1 = parseMounts(
  [
    'cgroup /c/memory cgroup rw,relatime,memory 0 0',
    'cgroup /c/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0',
    'cgroup /c/systemd cgroup rw,xattr,name=systemd 0 0',
  ].join('\n'),
);

test.each([
  ['v1', '4:memory:/x\n'],
  ['hybrid', '4:memory:/x\n0::/y\n'],
])('version 1 controllers, %s', (mode, membership) => {
  const features = cgroupFeatures(v1, membership);
  expect(features).toMatchObject({ mode, version: 1, swapLimit: false, ioWeight: false });
  expect([...features.controllers]).toEqual([
    ['memory', '/c/memory'],
    ['cpu', '/c/cpu,cpuacct'],
    ['cpuacct', '/c/cpu,cpuacct'],
    // It limits nothing, but runtimes make groups in it.
    ['name=systemd', '/c/systemd'],
  ]);
});

test('version 2 lists what its root offers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ward-cgroup-'));
  try {
    writeFileSync(join(folder, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
    const features = cgroupFeatures([{ path: folder, type: 'cgroup2', options: ['rw'] }], '0::/\n');
    expect(features).toMatchObject({ mode: 'v2', version: 2, ioWeight: true });
    expect([...features.controllers.keys()]).toEqual(['cpuset', 'cpu', 'io', 'memory', 'pids']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a machine without control groups is refused', () => {
  expect(() => cgroupFeatures([], '')).toThrow('no control groups');
});

test('AppArmor profiles by name, also names with blanks', () => {
  expect([
    ...parseProfiles('ward-default (enforce)\n/usr/bin/man (complain)\nlsb release (enforce)\n'),
  ]).toEqual(['ward-default', '/usr/bin/man', 'lsb release']);
});

test('disks are whole, real and have a medium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ward-block-'));
  try {
    for (const [name, dev, size] of [
      ['sda', '8:0', '1000'],
      ['nvme0n1', '259:0', '1000'],
      ['nbd0', '43:0', '0'],
      ['loop0', '7:0', '1000'],
      ['dm-0', '252:0', '1000'],
      ['mmcblk0boot0', '179:8', '1000'],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'dev'), `${dev}\n`);
      writeFileSync(join(folder, name, 'size'), `${size}\n`);
    }
    expect(disksOf(folder).toSorted((a, b) => a.major - b.major)).toEqual([
      { name: 'sda', major: 8, minor: 0 },
      { name: 'nvme0n1', major: 259, minor: 0 },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('this machine', async () => {
  const features = await inspectHost();
  expect(features.namespaces.has('user')).toBe(true);
  expect(features.kernel).toMatch(/^\d+\.\d+/);
  expect(features.cgroup.controllers.size).toBeGreaterThan(0);
});
