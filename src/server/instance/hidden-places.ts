/**
 * Places for the code and the roots of sandboxes. No other user can enter the data folder, but a runtime opens a
 * sandbox's files as another user. So Ward mounts the files at a place that every user can enter, in its own mount
 * namespace. Outside of that namespace the place is empty, even for users who read its names in
 * `/proc/PID/mountinfo`. Later mounts of the host do not appear in it.
 */
import { constants } from 'node:fs';
import { chmod, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../lib/index.ts';
import { unmountBelow } from '../../sandbox/index.ts';
import { serverFault } from '../faults.ts';
import { runDir } from './instance-locks.ts';

interface HiddenPlaces extends AsyncDisposable {
  /** Shows `laidCode` of the data folder; starts empty, and belongs to root. */
  readonly laidCode: string;
  /** Folder for mounts of roots. */
  readonly roots: string;
}

/**
 * @param instance announced, and used only by this process
 * @param laidCode folder of the code, inside a folder that can be the server's; created again
 * @throws Fault COMMAND_FAILED, DATA_DIR_INVALID
 */
export async function openHiddenPlaces(instance: string, laidCode: string): Promise<HiddenPlaces> {
  const places = { laidCode: join(runDir, instance, 'laid'), roots: join(runDir, instance, 'roots') };
  // The removal follows no link, even if another user plants one meanwhile.
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
      // Unmounts lazily: a sandbox that is ending can still use it.
      await mustRun(['umount', '--lazy', places.laidCode]);
      await rmdir(places.laidCode);
      // Unmounts roots that could not be unmounted earlier.
      await unmountBelow(places.roots);
      await rm(places.roots, { recursive: true });
      await clear();
    },
  };
}

/** Opens the folder itself, which must belong to root, and nothing that replaced it since. */
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
