/** What a Ward leaves that was killed at the very end of its work, when its own folder in /run was gone already. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomHex } from '../src/lib/index.ts';

export interface PlantedTraces extends AsyncDisposable {
  /** Its group for Ward's own process, and its mount points. */
  readonly places: readonly [group: string, shown: string];
  /** What a link in its mount points leads to. */
  readonly outside: string;
}

/** @param isKnown it has a lock file, whose lock is free. @param isUsed a process is in its group */
export async function plantTraces(isKnown: boolean, isUsed = false): Promise<PlantedTraces> {
  const instance = randomHex(12);
  const folder = await mkdtemp(join(tmpdir(), 'ward-planted-'));
  const outside = join(folder, 'empty');
  await writeFile(outside, '');
  const lock = join('/run/ward/locks', instance);
  if (isKnown) await writeFile(lock, '', { mode: 0o600 });
  const shown = join('/run/ward/shown', instance);
  await mkdir(join(shown, 'images'), { recursive: true });
  await writeFile(join(shown, 'file'), '');
  if (isUsed) await symlink(outside, join(shown, 'link'));
  const parent = join(await groupsRoot(), 'ward', instance);
  const group = join(parent, 'platform');
  await mkdir(group, { recursive: true });
  const child = isUsed ? spawn('sleep', ['600']) : undefined;
  if (child !== undefined) await writeFile(join(group, 'cgroup.procs'), String(child.pid));
  return {
    places: [group, shown],
    outside,
    async [Symbol.asyncDispose]() {
      if (child?.kill()) await once(child, 'exit');
      for (const each of [group, parent]) if (existsSync(each)) await rmdir(each);
      for (const each of [folder, shown, lock]) await rm(each, { recursive: true, force: true });
    },
  };
}

/** Of the hierarchy with the controller for processors. */
async function groupsRoot(): Promise<string> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  const found = mounts.find(
    ([, , type, options = '']) =>
      type === 'cgroup2' || (type === 'cgroup' && options.split(',').includes('cpu')),
  );
  if (found?.[1] === undefined) throw new Error('no control groups');
  return found[1];
}
