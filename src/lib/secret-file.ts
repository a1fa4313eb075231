/** Reads files of secrets. A file that other users can read or write is refused, as ssh does with its keys. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, messageOf } from './fault.ts';

interface SecretFile {
  readonly stat: Stats;
  readonly text: string;
}

interface UnfitFile {
  /** `shared`: other users can read or write it. */
  readonly problem: 'unreadable' | 'shared';
  readonly isMissing: boolean;
  readonly why: string;
  readonly cause?: unknown;
}

/**
 * Never blocks on a named pipe.
 * @param server a user beside the caller and root who may own the file
 */
export function readSecretFile(path: string, server?: number): SecretFile | UnfitFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    return { problem: 'unreadable', isMissing: errnoOf(cause) === 'ENOENT', why: messageOf(cause), cause };
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return { problem: 'unreadable', isMissing: false, why: 'it is not a file' };
    const isForeign = ![0, process.geteuid?.(), server].includes(stat.uid);
    if (isForeign || isOpenToOthers(path, stat.mode))
      return { problem: 'shared', isMissing: false, why: 'other users can read or write it' };
    return { stat, text: readFileSync(descriptor, 'utf8') };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Whether others than its owner may use a file of secrets. systemd lets a service's user read a credential
 * (`LoadCredential=`) by an access list. The mode shows its entry as a right of the group: acl(5). No other user gets
 * into that folder.
 */
function isOpenToOthers(path: string, mode: number): boolean {
  const isCredential = dirname(path) === process.env['CREDENTIALS_DIRECTORY'];
  return (mode & (isCredential ? 0o037 : 0o077)) !== 0;
}
