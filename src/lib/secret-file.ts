/** Reads files of secrets. A file that other users can read or write is refused, as ssh does with its keys. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { errnoOf, messageOf } from './fault.ts';

interface SecretFile {
  readonly stat: Stats;
  readonly text: string;
}

export interface UnfitFile {
  /** `shared`: other users can read or write it. */
  readonly problem: 'unreadable' | 'shared';
  readonly isMissing: boolean;
  readonly why: string;
  readonly cause?: unknown;
}

/** Never blocks on a named pipe. */
export function readSecretFile(path: string): SecretFile | UnfitFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    return { problem: 'unreadable', isMissing: errnoOf(cause) === 'ENOENT', why: messageOf(cause), cause };
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return { problem: 'unreadable', isMissing: false, why: 'it is not a file' };
    const isShared = (stat.mode & 0o077) !== 0 || (stat.uid !== 0 && stat.uid !== process.geteuid?.());
    if (isShared) return { problem: 'shared', isMissing: false, why: 'other users can read or write it' };
    return { stat, text: readFileSync(descriptor, 'utf8') };
  } finally {
    closeSync(descriptor);
  }
}
