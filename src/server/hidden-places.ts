/**
 * Where sandboxes find their code and their roots. The data folder is closed to every other user, and a runtime comes to
 * a sandbox's files as such a user: so what it needs is mounted at a place that all may pass, in Ward's own mount
 * namespace. Outside of that the place is empty, whatever names `/proc/PID/mountinfo` tells.
 */
import { chmod, mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../lib/index.ts';
import { runDir } from './instance-locks.ts';

export interface HiddenPlaces extends AsyncDisposable {
  /** Shows `laidCode` of the data folder. */
  readonly laidCode: string;
  /** For mounts of roots. */
  readonly roots: string;
}

/**
 * @param instance announced, and of this process alone
 * @param laidCode where the code lies; made when it is missing
 * @throws Fault COMMAND_FAILED
 */
export async function openHiddenPlaces(instance: string, laidCode: string): Promise<HiddenPlaces> {
  const places = { laidCode: join(runDir, instance, 'laid'), roots: join(runDir, instance, 'roots') };
  await mkdir(laidCode, { recursive: true });
  await chmod(laidCode, 0o711);
  for (const place of Object.values(places)) {
    await mkdir(place, { recursive: true });
    await chmod(place, 0o711);
  }
  await mustRun(['mount', '--bind', laidCode, places.laidCode]);
  return {
    ...places,
    async [Symbol.asyncDispose]() {
      // Lazily: a sandbox that just ends may still hold it.
      await mustRun(['umount', '--lazy', places.laidCode]);
      await rmdir(places.laidCode);
      await rm(places.roots, { recursive: true });
    },
  };
}
