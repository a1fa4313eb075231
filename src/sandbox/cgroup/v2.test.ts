/**
 * Tests version 2 against a folder that looks like it: which files are read and written, and with which values. Whether
 * the kernel acts on them needs a machine with version 2.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cgroupTreeV2 } from './v2.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ward-cgroup2-'));
  fakeGroup('', {
    'cgroup.controllers': 'cpuset cpu io memory hugetlb pids',
    'cgroup.subtree_control': 'memory',
  });
});
afterEach(() => rmSync(root, { recursive: true }));

function fakeGroup(path: string, files: Record<string, string>): void {
  mkdirSync(join(root, path), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, path, name), text);
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('only controllers that are not handed down yet are handed down', () => {
  fakeGroup('ward', { 'cgroup.controllers': 'cpu memory pids', 'cgroup.subtree_control': '' });
  fakeGroup('ward/one', {
    'cgroup.controllers': 'cpu memory pids',
    'cgroup.subtree_control': 'cpu memory pids',
  });
  cgroupTreeV2(root, 'one').prepare();
  expect(read('cgroup.subtree_control')).toBe('+cpu +pids +io +cpuset');
  expect(read('ward/cgroup.subtree_control')).toBe('+cpu +memory +pids');
  expect(read('ward/one/cgroup.subtree_control')).toBe('cpu memory pids');
});

test('usage', () => {
  fakeGroup('ward/one/a', {
    'memory.current': '1000\n',
    'memory.peak': '2000\n',
    'cpu.stat': 'usage_usec 345\nuser_usec 1\n',
    'pids.current': '4\n',
    'memory.events': 'low 0\noom 2\noom_kill 3\noom_group_kill 1\n',
  });
  expect(cgroupTreeV2(root, 'one').group('a').usage()).toEqual({
    memoryBytes: 1000,
    memoryPeakBytes: 2000,
    cpuUsec: 345,
    pids: 4,
    oomKills: 3,
    refusedForks: 0,
  });
});

test('the memory of all sandboxes is that of the instance without Ward’s own process', () => {
  fakeGroup('ward/one', { 'memory.current': '5000\n' });
  expect(cgroupTreeV2(root, 'one').memoryBytes()).toBe(5000);
  fakeGroup('ward/one/platform', { 'memory.current': '3800\n' });
  expect(cgroupTreeV2(root, 'one').memoryBytes()).toBe(1200);
  expect(cgroupTreeV2(root, 'other').memoryBytes()).toBe(0);
});

test('moves a process of the host into it, and does nothing when the group is gone', () => {
  fakeGroup('ward/one/a', { 'cgroup.procs': '' });
  const tree = cgroupTreeV2(root, 'one');
  tree.group('a').add(4242);
  expect(read('ward/one/a/cgroup.procs')).toBe('4242');
  tree.group('gone').add(4242);
  expect(existsSync(join(root, 'ward/one/gone'))).toBe(false);
});

test('standing back', () => {
  fakeGroup('ward/one/a', { 'cpu.idle': '0', 'cpu.weight': '100', 'cpu.stat': 'usage_usec 345\n' });
  const group = cgroupTreeV2(root, 'one').group('a');
  expect(group.cpuUsec()).toBe(345);
  group.weigh('idle');
  expect([read('ward/one/a/cpu.idle'), read('ward/one/a/cpu.weight')]).toEqual(['1', '100']);
  group.weigh(500);
  expect([read('ward/one/a/cpu.idle'), read('ward/one/a/cpu.weight')]).toEqual(['0', '500']);
});

test('standing back where the kernel has only weights', () => {
  fakeGroup('ward/one/b', { 'cpu.weight': '100' });
  cgroupTreeV2(root, 'one').group('b').weigh('idle');
  expect(read('ward/one/b/cpu.weight').trim()).toMatch(/^1/);
});

test('limits', async () => {
  const names = ['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max', 'cpu.max', 'cpu.weight'];
  fakeGroup('ward/one/a', Object.fromEntries(names.map((name) => [name, ''])));
  await cgroupTreeV2(root, 'one').group('a').create({
    memoryBytes: 1024,
    pids: 5,
    cpuQuotaUsec: 20_000,
    cpuPeriodUsec: 100_000,
    cpuWeight: 50,
  });
  expect(names.map((name) => read(`ward/one/a/${name}`))).toEqual([
    '1024',
    '0',
    '1',
    '5',
    '20000 100000',
    '50',
  ]);
});

test('freezing waits until the kernel reports it', async () => {
  fakeGroup('ward/one/a', { 'cgroup.freeze': '0', 'cgroup.events': 'populated 1\nfrozen 0\n' });
  const group = cgroupTreeV2(root, 'one').group('a');
  let isFrozen = false;
  const freezing = group.freeze().then(() => {
    isFrozen = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(isFrozen).toBe(false);
  expect(read('ward/one/a/cgroup.freeze')).toBe('1');
  writeFileSync(join(root, 'ward/one/a/cgroup.events'), 'populated 1\nfrozen 1\n');
  await freezing;
  await group.thaw();
  expect(read('ward/one/a/cgroup.freeze')).toBe('0');
});

test('killing uses cgroup.kill and waits until the group and those below it are empty', async () => {
  fakeGroup('ward/one/a', { 'cgroup.kill': '', 'cgroup.procs': '' });
  fakeGroup('ward/one/a/below', { 'cgroup.procs': '4711\n0\n' });
  const group = cgroupTreeV2(root, 'one').group('a');
  expect(group.pids()).toEqual([4711]);
  const killing = group.kill();
  expect(read('ward/one/a/cgroup.kill')).toBe('1');
  writeFileSync(join(root, 'ward/one/a/below/cgroup.procs'), '');
  await killing;
});

test('ids and removal', async () => {
  const tree = cgroupTreeV2(root, 'one');
  mkdirSync(join(root, 'ward/one/a/below'), { recursive: true });
  mkdirSync(join(root, 'ward/one/b'), { recursive: true });
  expect(tree.ids()).toEqual(['a', 'b']);
  expect(tree.ociPath('a')).toBe('/ward/one/a');
  await tree.group('a').remove();
  expect(tree.ids()).toEqual(['b']);
  await tree.remove();
  expect(existsSync(join(root, 'ward'))).toBe(false);
});

test('another instance’s groups stay', async () => {
  mkdirSync(join(root, 'ward/one'), { recursive: true });
  mkdirSync(join(root, 'ward/two'), { recursive: true });
  await cgroupTreeV2(root, 'one').remove();
  expect(existsSync(join(root, 'ward/two'))).toBe(true);
});
