/**
 * Device files of sandboxes. A runtime puts the host's own inodes into a sandbox's /dev: a program inside could change
 * their times, and other tenants and the host would see locks on them. So each sandbox gets a folder, mounted
 * read-only, with device files that no other sandbox has at that time.
 *
 * The folders lie in a tmpfs in Ward's own mounts (isolation.ts). Ward makes many at once, since it must start a
 * program for it, and reuses them: a sandbox can't change their times through a read-only mount, and locks end with the
 * process that holds them.
 */
import { mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { mustRun } from '../lib/index.ts';

export interface DeviceFolder {
  readonly path: string;
  /** Call it when nothing is left of the sandbox. */
  release(): void;
}

export interface DeviceFolders {
  take(): Promise<DeviceFolder>;
  close(): Promise<void>;
}

/** Folders made at once. */
const batch = 16;
/** When fewer are left, Ward makes the next ones, so that no sandbox waits for them. */
const few = 4;
/** Inodes of the tmpfs; a folder takes twelve. */
const inodes = 131_072;
/** Numbers of the kernel's memory devices and terminals (Documentation/admin-guide/devices.txt). */
const devices = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
} as const;
const links = { fd: '', stdin: '/0', stdout: '/1', stderr: '/2' } as const;

/** @param dir a folder of Ward's own, where the tmpfs is mounted when the first folder is taken */
export function openDeviceFolders(dir: string): DeviceFolders {
  const free: string[] = [];
  let made = 0;
  let mounted: Promise<void> | undefined;
  let making: Promise<void> | undefined;

  async function make(): Promise<void> {
    mounted ??= mountAt(dir).catch((error: unknown) => {
      // The next caller tries again.
      mounted = undefined;
      throw error;
    });
    await mounted;
    const names = Array.from({ length: batch }, () => String(made++));
    await mustRun(['tar', '--extract', '--preserve-permissions', '--directory', dir], {
      input: await archiveOf(names),
      timeoutMs: 30_000,
    });
    free.push(...names);
  }

  function refill(): Promise<void> {
    making ??= make().finally(() => {
      making = undefined;
    });
    return making;
  }

  return {
    async take() {
      for (;;) {
        const name = free.pop();
        if (name === undefined) {
          await refill();
          continue;
        }
        // A caller that finds no folder left gets the error.
        if (free.length < few) refill().catch(() => {});
        return { path: join(dir, name), release: () => free.push(name) };
      }
    },
    async close() {
      await making?.catch(() => {});
      if (mounted === undefined) return;
      await mounted;
      await mustRun(['umount', '--lazy', dir], { timeoutMs: 30_000 });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function mountAt(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const options = `mode=711,size=64k,nr_inodes=${inodes},nosuid,noexec`;
  await mustRun(['mount', '-t', 'tmpfs', '-o', options, 'ward', dir], { timeoutMs: 30_000 });
}

/** Makes the device files with tar, because Node has no mknod. */
async function archiveOf(folders: readonly string[]): Promise<Buffer> {
  // Loaded late: most processes that load this room make no devices.
  const { pack }: typeof import('tar-stream') = createRequire(import.meta.url)('tar-stream');
  const archive = pack();
  for (const folder of folders) {
    archive.entry({ name: folder, type: 'directory', mode: 0o755 });
    // The mount point of a tmpfs: nothing can make it through the read-only mount.
    archive.entry({ name: `${folder}/shm`, type: 'directory', mode: 0o755 });
    for (const [name, [devmajor, devminor]] of Object.entries(devices)) {
      archive.entry({ name: `${folder}/${name}`, type: 'character-device', mode: 0o666, devmajor, devminor });
    }
    for (const [name, below] of Object.entries(links)) {
      archive.entry({ name: `${folder}/${name}`, type: 'symlink', linkname: `/proc/self/fd${below}` });
    }
  }
  archive.finalize();
  return await buffer(archive);
}
