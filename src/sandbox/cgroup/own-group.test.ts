import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startCommand } from '../../lib/index.ts';
import { cgroupFeatures } from '../host/inspect.ts';
import { readMounts } from '../host/mounts.ts';
import { enterOwnGroup, groupIn } from './own-group.ts';

test.each([
  ['3:cpuset:/\n1:cpu,cpuacct:/a b\n0::/x\n', 1, '/a b'],
  ['1:cpu:/\n0::/system.slice/ward.service\n', 2, '/system.slice/ward.service'],
  ['0::/\n', 1, undefined],
] as const)('the group in %j, version %i', (membership, version, expected) => {
  expect(groupIn(membership, version)).toBe(expected);
});

describe('a place that looks like a hierarchy', () => {
  let mount: string;

  beforeEach(() => {
    mount = mkdtempSync(join(tmpdir(), 'ward-own-group-'));
  });
  afterEach(() => rmSync(mount, { recursive: true }));

  test('is left alone by who has a group already', () => {
    expect(enterOwnGroup({ mount, version: 1, membership: '1:cpu:/ward.service\n' })).toBeUndefined();
    expect(readdirSync(mount)).toEqual([]);
  });

  test('is rid of what killed ones left', () => {
    mkdirSync(join(mount, 'ward-platform', 'left'), { recursive: true });
    enterOwnGroup({ mount, version: 1, membership: '1:cpu:/\n' });
    const [own, ...others] = readdirSync(join(mount, 'ward-platform'));
    expect(others).toEqual([]);
    expect(own).not.toBe('left');
    expect(readFileSync(join(mount, 'ward-platform', own ?? '', 'cgroup.procs'), 'utf8')).toBe(
      String(process.pid),
    );
  });
});

const { version, controllers } = cgroupFeatures(readMounts(), '');
const mount = controllers.get('cpu') ?? '';
const canTry = process.geteuid?.() === 0 && version === 1 && mount !== '';

test.skipIf(!canTry)('a real group has its weight, its process, and ends with it', async () => {
  const script = `
    import { readFileSync, existsSync } from 'node:fs';
    const { enterOwnGroup } = await import(${JSON.stringify(join(import.meta.dirname, 'own-group.ts'))});
    const group = enterOwnGroup(${JSON.stringify({ mount, version, membership: '1:cpu:/\n' })});
    const path = /:cpu(?:,cpuacct)?:(.*)/.exec(readFileSync('/proc/self/cgroup', 'utf8'))[1];
    const shares = readFileSync(${JSON.stringify(mount)} + '/ward-platform/cpu.shares', 'utf8').trim();
    group[Symbol.dispose]();
    console.log(JSON.stringify({ path, shares, isLeft: existsSync(${JSON.stringify(mount)} + path) }));`;
  const child = startCommand([process.execPath, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const chunk of child.stdout ?? []) said += chunk;
  expect(JSON.parse(said)).toEqual({
    path: expect.stringMatching(/^\/ward-platform\/[0-9a-f]{8}$/),
    shares: '10240',
    isLeft: false,
  });
});
