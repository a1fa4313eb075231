import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTraces, removeTraces, type TracePlaces } from './ward-traces.ts';

let folder: string;
let places: TracePlaces;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-traces-'));
  places = { mountsFile: join(folder, 'mounts'), appArmorDir: join(folder, 'apparmor') };
  const mounts = ['memory', 'pids'].map((name) => `cgroup ${join(folder, name)} cgroup rw 0 0\n`);
  await writeFile(join(folder, 'mounts'), mounts.join(''));
  for (const name of ['memory/ward/run-0/a', 'pids/other', 'apparmor'])
    await mkdir(join(folder, name), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

test('only empty groups and Ward’s own profiles are removed', async () => {
  const profiles = ['ward.run-0.0123456789ab (enforce)', 'wardrobe (enforce)', 'ward.x.short (complain)'];
  await writeFile(join(folder, 'apparmor/profiles'), `${profiles.join('\n')}\n`);
  const traces = await findTraces(places);
  expect(traces).toEqual({
    groups: [join(folder, 'memory/ward')],
    profiles: ['ward.run-0.0123456789ab'],
  });
  expect(await removeTraces(traces, places)).toEqual([]);
  expect(existsSync(join(folder, 'memory/ward'))).toBe(false);
  expect(existsSync(join(folder, 'pids/other'))).toBe(true);
  expect(await readFile(join(folder, 'apparmor/.remove'), 'utf8')).toBe('ward.run-0.0123456789ab');
});

test('a group with a process stays, together with all beside it', async () => {
  await writeFile(join(folder, 'memory/ward/run-0/a/cgroup.procs'), '1234\n');
  await mkdir(join(folder, 'memory/ward/run-1'));
  const group = join(folder, 'memory/ward');
  expect(await removeTraces(await findTraces(places), places)).toEqual([group]);
  expect(existsSync(join(group, 'run-1'))).toBe(true);
});
