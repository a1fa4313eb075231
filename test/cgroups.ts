/** The control groups that a server makes on the host. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../src/lib/index.ts';

/** Freezer state of every sandbox of an instance, for cgroup v1 and v2. */
export function freezerStatesOf(instance: string): string[] {
  return cgroupsOf(instance).flatMap((path) => {
    const v1 = join(path, 'freezer.state');
    const v2 = join(path, 'cgroup.freeze');
    try {
      if (existsSync(v1)) return [readFileSync(v1, 'utf8').trim()];
      if (existsSync(v2)) return [readFileSync(v2, 'utf8').trim() === '1' ? 'FROZEN' : 'THAWED'];
    } catch (error) {
      // The sandbox has ended meanwhile.
      if (!['ENOENT', 'ENODEV'].includes(errnoOf(error) ?? '')) throw error;
    }
    return [];
  });
}

/** Cgroups of an instance's sandboxes, in every hierarchy of the host. */
export function cgroupsOf(instance: string): string[] {
  return allCgroupsOf(instance).filter((path) => !path.endsWith('/platform'));
}

/** Those, and the server's own cgroup. */
export function allCgroupsOf(instance: string): string[] {
  return foldersOf(instance, (type) => type.startsWith('cgroup'));
}

/**
 * Plain folders that crun makes for them if a hybrid host's second hierarchy is hidden from it. They end with the mount
 * namespace, which the servers of these tests share with the tests.
 */
export function strayGroupsOf(instance: string): string[] {
  return foldersOf(instance, (type) => type === 'tmpfs');
}

function foldersOf(instance: string, isWanted: (type: string) => boolean): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, path = '', type = '']) => `${path}/`.startsWith('/sys/fs/cgroup/') && isWanted(type))
    .map(([, path = '']) => join(path, 'ward', instance))
    .flatMap((path) => foldersIn(path).map((name) => join(path, name)));
}

/** Folders below it. Empty if it does not exist: any Ward that starts removes what a dead one has left. */
function foldersIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}
