/** What is mounted where, read from the kernel's own table. */
import { readFileSync } from 'node:fs';

export interface MountPoint {
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The mounts that this process sees, in mount order. */
export function readMounts(file = '/proc/self/mounts'): readonly MountPoint[] {
  return parseMounts(readFileSync(file, 'utf8'));
}

/** Parses fstab-like lines (proc_mounts(5)); blanks in paths are octal escapes. */
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
