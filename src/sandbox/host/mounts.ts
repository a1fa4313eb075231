/** Reads the kernel's table of mounts. */
import { readFileSync } from 'node:fs';
import { mustRun } from '../../lib/index.ts';

export interface MountPoint {
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The mounts that this process sees, in mount order. */
export function readMounts(file = '/proc/self/mounts'): readonly MountPoint[] {
  return parseMounts(readFileSync(file, 'utf8'));
}

/** Unmounts everything at and below the path, the newest first, even when a process still has it open. */
export async function unmountBelow(path: string): Promise<void> {
  const mounted = readMounts().filter((mount) => `${mount.path}/`.startsWith(`${path}/`));
  for (const mount of mounted.reverse())
    await mustRun(['umount', '--lazy', mount.path], { timeoutMs: 30_000 });
}

/** Parses fstab-like lines (proc_mounts(5)), in whose paths blanks are octal escapes. */
export function parseMounts(text: string): readonly MountPoint[] {
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .flatMap(([, path, type, options]) =>
      path === undefined || type === undefined || options === undefined
        ? []
        : [{ path: unescapeOctal(path), type, options: options.split(',') }],
    );
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
