/**
 * Gives the results of root's builds to the owner of the image store. Builds need root's rights, and the owner can
 * write to the store meanwhile: so each file is changed by its descriptor, never by its path, and only when the
 * kernel prevents users from creating hard links to other users' files.
 */
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  type Stats,
} from 'node:fs';
import { messageOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';

/** Does nothing in a folder of root's. @throws Fault HAND_OVER_FAILED */
export function giveBack(folder: string): void {
  const owner = lstatSync(folder, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0 || process.geteuid?.() !== 0) return;
  if (readFileSync('/proc/sys/fs/protected_hardlinks', 'utf8').trim() === '0')
    throw failed(folder, 'fs.protected_hardlinks is 0', 'set it to 1, and build again');
  try {
    give(folder, owner);
  } catch (cause) {
    throw failed(folder, messageOf(cause), 'fix the cause, and build again');
  }
}

function give(path: string, owner: Stats): void {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  const descriptor = openSync(path, flags);
  try {
    const stats = fstatSync(descriptor);
    if (stats.dev !== owner.dev || (stats.uid !== 0 && stats.uid !== owner.uid)) return;
    if (stats.isDirectory()) {
      for (const name of readdirSync(`/proc/self/fd/${descriptor}`)) {
        const entry = `/proc/self/fd/${descriptor}/${name}`;
        const found = lstatSync(entry, { throwIfNoEntry: false });
        if (found?.isDirectory() || (found?.isFile() && found.uid === 0)) give(entry, owner);
      }
    } else if (!stats.isFile() || stats.nlink !== 1) return;
    if (stats.uid === 0) fchownSync(descriptor, owner.uid, owner.gid);
  } finally {
    closeSync(descriptor);
  }
}

function failed(folder: string, why: string, hint: string) {
  return serverFault('HAND_OVER_FAILED', `what was built in ${folder} can't be given to its owner: ${why}`, {
    hint,
  });
}
