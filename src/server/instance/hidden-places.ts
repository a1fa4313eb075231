/**
 * Places where sandboxes find their code and their roots. The data folder is closed to every other user, and a runtime
 * opens a sandbox's files as such a user. So Ward mounts the files at a place that every user may enter, in its own mount
 * namespace. Outside of that namespace the place is empty, even for users who read its names in `/proc/PID/mountinfo`.
 * Nor does anything that the host mounts later appear in it.
 */
import { constants } from 'node:fs';
import { chmod, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../lib/index.ts';
import { unmountBelow } from '../../sandbox/index.ts';
import { serverFault } from '../faults.ts';
import { runDir } from './instance-locks.ts';

interface HiddenPlaces extends AsyncDisposable {
  /** Shows `laidCode` of the data folder: empty, and root's. */
  readonly laidCode: string;
  /** Folder for mounts of roots. */
  readonly roots: string;
}

/**
 * @param instance announced, and of this process alone
 * @param laidCode where the code lies, in a folder that may be the server's; made anew
 * @throws Fault COMMAND_FAILED, DATA_DIR_INVALID
 */
export async function openHiddenPlaces(instance: string, laidCode: string): Promise<HiddenPlaces> {
  const places = { laidCode: join(runDir, instance, 'laid'), roots: join(runDir, instance, 'roots') };
  // The removal follows no link, even if another user puts one in its way meanwhile.
  const clear = () => mustRun(['rm', '--recursive', '--force', '--one-file-system', '--', laidCode]);
  await clear();
  await mkdir(laidCode, { mode: 0o711 });
  for (const place of Object.values(places)) {
    await mkdir(place, { recursive: true });
    await chmod(place, 0o711);
  }
  await showOwn(laidCode, places.laidCode);
  return {
    ...places,
    async [Symbol.asyncDispose]() {
      // Unmounts lazily: a sandbox that is just ending may still hold it.
      await mustRun(['umount', '--lazy', places.laidCode]);
      await rmdir(places.laidCode);
      // Unmounts roots that could not be unmounted earlier.
      await unmountBelow(places.roots);
      await rm(places.roots, { recursive: true });
      await clear();
    },
  };
}

/** Opens the folder itself, which must be root's, and nothing that was put in its place since. */
async function showOwn(folder: string, place: string): Promise<void> {
  const opened = await open(folder, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { uid } = await opened.stat();
    if (uid !== 0) throw serverFault('DATA_DIR_INVALID', `${folder} was replaced while Ward started`);
    const options = { descriptors: [opened.fd] };
    await mustRun(
      ['mount', '--no-canonicalize', '--bind', '--make-private', '/proc/self/fd/3', place],
      options,
    );
  } finally {
    await opened.close();
  }
}
