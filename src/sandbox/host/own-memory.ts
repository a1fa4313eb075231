/**
 * Reads how much memory this process's own control group allows and is charged for. Sandboxes have groups of their own,
 * outside of it, unless a container has put both below one limit.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MountPoint } from './mounts.ts';

export interface OwnMemory {
  /** The group that sets the limit: this process's, or one above it. */
  readonly folder: string;
  readonly version: 1 | 2;
  readonly limitBytes: number;
  /** The groups of sandboxes are below the same limit. */
  readonly isShared: boolean;
}

/** Version 1 writes a larger number when there is no limit. */
const unlimited = 2 ** 60;

/** Finds the tightest limit that this process can see; undefined without one. @param membership `/proc/self/cgroup` */
export function ownMemory(mounts: readonly MountPoint[], membership: string): OwnMemory | undefined {
  const v1 = mounts.find(({ type, options }) => type === 'cgroup' && options.includes('memory'));
  const mount = v1 ?? mounts.find(({ type }) => type === 'cgroup2');
  if (mount === undefined) return undefined;
  const version = v1 === undefined ? 2 : 1;
  const group = memoryGroupIn(membership, version);
  if (group === undefined) return undefined;
  const found = foldersUp(mount.path, group).flatMap((folder) => {
    const limitBytes = limitIn(folder, version);
    return limitBytes === undefined ? [] : [{ folder, limitBytes }];
  });
  const tightest = found.reduce<(typeof found)[number] | undefined>(
    (best, each) => (best === undefined || each.limitBytes < best.limitBytes ? each : best),
    undefined,
  );
  return tightest && { ...tightest, version, isShared: tightest.folder === mount.path };
}

/** The memory that the kernel can't take back by dropping copies of files; undefined when it can't be read. */
export function chargedBytes({ folder, version }: Pick<OwnMemory, 'folder' | 'version'>): number | undefined {
  try {
    const stat = readFileSync(join(folder, 'memory.stat'), 'utf8');
    const valueIn = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
    const used = Number(
      readFileSync(join(folder, version === 1 ? 'memory.usage_in_bytes' : 'memory.current'), 'utf8'),
    );
    const prefix = version === 1 ? 'total_' : '';
    return used - valueIn(`${prefix}inactive_file`) - valueIn(`${prefix}active_file`);
  } catch {
    return undefined;
  }
}

function memoryGroupIn(membership: string, version: 1 | 2): string | undefined {
  for (const line of membership.split('\n')) {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (version === 1 ? controllers?.split(',').includes('memory') : controllers === '') return group;
  }
  return undefined;
}

/**
 * Lists the mount's folder and those from the group's up to it. A container may see only its own group, as the mount.
 */
function foldersUp(mount: string, group: string): readonly string[] {
  const folders = [mount];
  for (let at = join(mount, group); at.length > mount.length; at = dirname(at)) folders.push(at);
  return folders;
}

function limitIn(folder: string, version: 1 | 2): number | undefined {
  const files = version === 1 ? ['memory.limit_in_bytes'] : ['memory.max', 'memory.high'];
  const limits = files.flatMap((file) => {
    try {
      const limit = Number(readFileSync(join(folder, file), 'utf8'));
      return limit > 0 && limit < unlimited ? [limit] : [];
    } catch {
      return [];
    }
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}
