import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { randomHex, startCommand } from '../../lib/index.ts';
import { cgroupFeatures } from '../host/inspect.ts';
import { readMounts } from '../host/mounts.ts';
import { enterOwnGroup, groupIn } from './own-group.ts';
import { cgroupTreeV1 } from './v1.ts';

test.each([
  ['3:cpuset:/\n1:cpu,cpuacct:/a b\n0::/x\n', 1, '/a b'],
  ['1:cpu:/\n0::/system.slice/ward.service\n', 2, '/system.slice/ward.service'],
  ['0::/\n', 1, undefined],
] as const)('the group in %j, version %i', (membership, version, expected) => {
  expect(groupIn(membership, version)).toBe(expected);
});

test('a process that is in a group already stays there', () => {
  const mount = mkdtempSync(join(tmpdir(), 'ward-own-group-'));
  try {
    const place = { mount, version: 1, membership: '1:cpu:/ward.service\n', instance: 'a' } as const;
    expect(enterOwnGroup(place)).toBeUndefined();
    expect(readdirSync(mount)).toEqual([]);
  } finally {
    rmSync(mount, { recursive: true });
  }
});

const { version, controllers } = cgroupFeatures(readMounts(), '');
const mount = controllers.get('cpu') ?? '';
const canTry = process.geteuid?.() === 0 && version === 1 && mount !== '';

test.skipIf(!canTry)(
  'a real group has its weight and its process, outlives the sandboxes, and ends',
  async () => {
    const instance = `test-${randomHex(4)}`;
    const here = (file: string) => JSON.stringify(join(import.meta.dirname, file));
    const script = `
    import { readFileSync, existsSync } from 'node:fs';
    const { enterOwnGroup } = await import(${here('own-group.ts')});
    const { cgroupTreeV1 } = await import(${here('v1.ts')});
    const group = enterOwnGroup(${JSON.stringify({ mount, version, membership: '1:cpu:/\n', instance })});
    const tree = cgroupTreeV1(new Map([['cpu', ${JSON.stringify(mount)}]]), ${JSON.stringify(instance)});
    tree.prepare();
    await tree.group('sandbox').create({ memoryBytes: 1, pids: 1, cpuQuotaUsec: 1000, cpuPeriodUsec: 1000, cpuWeight: 100 });
    const ids = tree.ids();
    await tree.remove();
    const left = tree.ids();
    const path = /:cpu(?:,cpuacct)?:(.*)/.exec(readFileSync('/proc/self/cgroup', 'utf8'))[1];
    const shares = readFileSync(${JSON.stringify(mount)} + path + '/cpu.shares', 'utf8').trim();
    await group[Symbol.asyncDispose]();
    console.log(JSON.stringify({ ids, left, path, shares, isLeft: existsSync(${JSON.stringify(mount)} + tree.basePath) }));`;
    const child = startCommand([process.execPath, '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const chunk of child.stdout ?? []) said += chunk;
    expect(JSON.parse(said)).toEqual({
      ids: ['sandbox'],
      left: [],
      path: `/ward/${instance}/platform`,
      shares: '10240',
      isLeft: false,
    });
  },
);

test.skipIf(!canTry)('a group that a killed process left is removed with its instance', async () => {
  const instance = `test-${randomHex(4)}`;
  const folder = join(mount, 'ward', instance);
  mkdirSync(join(folder, 'platform'), { recursive: true });
  const tree = cgroupTreeV1(new Map([['cpu', mount]]), instance);
  expect(tree.ids()).toEqual([]);
  await tree.remove();
  expect(existsSync(folder)).toBe(false);
});
