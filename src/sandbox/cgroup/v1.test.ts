import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomHex, startCommand } from '../../lib/index.ts';
import { cgroupFeatures } from '../host/inspect.ts';
import { readMounts } from '../host/mounts.ts';
import { until } from './files.ts';
import type { CgroupTree } from './types.ts';
import { cgroupTreeV1, sharesOf } from './v1.ts';

const mounts = readMounts().filter(({ type }) => type === 'cgroup');
const canTry = process.geteuid?.() === 0 && mounts.length > 0;

test.each([
  [1, 10],
  [100, 1024],
  [10_000, 102_400],
])('weight %i is %i shares', (weight, shares) => {
  expect(sharesOf(weight)).toBe(shares);
});

describe.skipIf(!canTry)(`cgroup v1${canTry ? '' : ' (needs root and version 1 hierarchies)'}`, () => {
  const instance = `test-${randomHex(4)}`;
  const { controllers } = cgroupFeatures(mounts, '');
  const file = (controller: string, name: string) =>
    join(controllers.get(controller) ?? '', 'ward', instance, name);
  const limits = {
    memoryBytes: 64 * 1024 * 1024,
    pids: 20,
    cpuQuotaUsec: 50_000,
    cpuPeriodUsec: 100_000,
    cpuWeight: 100,
  };
  let tree: CgroupTree;

  beforeAll(() => {
    tree = cgroupTreeV1(controllers, instance);
    tree.prepare();
  });
  afterAll(async () => {
    await tree.remove();
    expect(existsSync(file('memory', ''))).toBe(false);
  });

  test('limits the buffers of sockets, also in a group that a runtime will make', async () => {
    for (const make of ['create', 'limitSockets'] as const) {
      const group = tree.group(make);
      await group[make](limits);
      const limit = readFileSync(file('memory', `${make}/memory.kmem.tcp.limit_in_bytes`), 'utf8');
      expect(Number(limit)).toBe(8 * 1024 * 1024);
      await group.remove();
    }
  });

  test('freezes, thaws, kills and removes a group with processes', async () => {
    const group = tree.group('a');
    await group.create(limits);
    const child = startCommand(['/bin/sh', '-c', 'read line; sleep 1000 & echo ready; sleep 1000'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    for (const controller of controllers.keys()) {
      writeFileSync(file(controller, 'a/cgroup.procs'), String(child.pid));
    }
    child.stdin?.write('\n');
    if (child.stdout) await once(child.stdout, 'data');
    await until(() => group.pids().length === 3, 2000);
    expect(group.pids()).toContain(child.pid);
    expect(tree.ids()).toContain('a');
    expect(group.usage()).toMatchObject({ pids: 3, oomKills: 0 });
    expect(group.usage().cpuUsec).toBeGreaterThan(0);
    await group.freeze();
    await group.freeze();
    await group.thaw();
    await group.freeze();
    const ended = once(child, 'exit');
    await group.kill();
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(group.pids()).toEqual([]);
    await group.remove();
    expect(tree.ids()).not.toContain('a');
  });

  test('is killed although its borrower freezes it again', async () => {
    const group = tree.group('again');
    await group.create(limits);
    const child = startCommand(['sleep', '1000'], { stdio: 'ignore' });
    for (const controller of controllers.keys()) {
      writeFileSync(file(controller, 'again/cgroup.procs'), String(child.pid));
    }
    const ended = once(child, 'exit');
    let isKilled = false;
    const freezing = (async () => {
      for (let times = 0; times < 20 && !isKilled; times++) {
        writeFileSync(file('freezer', 'again/freezer.state'), 'FROZEN');
        await setImmediate();
      }
    })();
    await group.kill();
    isKilled = true;
    await freezing;
    expect(await ended).toEqual([null, 'SIGKILL']);
    await group.remove();
  });

  test('stands back from its siblings and comes back with its weight', async () => {
    const group = tree.group('back');
    await group.create({ ...limits, cpuWeight: 50 });
    const read = (name: string) => readFileSync(file('cpu', `back/${name}`), 'utf8').trim();
    expect(read('cpu.shares')).toBe('512');
    group.weigh('idle');
    group.weigh('idle');
    if (existsSync(file('cpu', 'back/cpu.idle'))) expect(read('cpu.idle')).toBe('1');
    expect(Number(read('cpu.shares'))).toBeLessThan(20);
    group.weigh(50);
    expect(read('cpu.shares')).toBe('512');
    if (existsSync(file('cpu', 'back/cpu.idle'))) expect(read('cpu.idle')).toBe('0');
    await group.remove();
  });

  test('every method is harmless without a group', async () => {
    const group = tree.group('never-made');
    await group.freeze();
    await group.thaw();
    await group.kill();
    await group.remove();
    group.weigh('idle');
    group.weigh(100);
    expect(group.cpuUsec()).toBe(0);
    expect(group.usage()).toEqual({
      memoryBytes: 0,
      memoryPeakBytes: 0,
      cpuUsec: 0,
      pids: 0,
      oomKills: 0,
      refusedForks: 0,
    });
    expect(group.pids()).toEqual([]);
  });
});
