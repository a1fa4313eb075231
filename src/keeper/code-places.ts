/**
 * The keeper's half of the places for code: a folder that only root writes to. In it each piece of code has a folder that
 * belongs to the server. So the server can fill that folder, and can't put anything else in its place.
 */
import { chown, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { randomHex } from '../lib/index.ts';
import { shareWithSandboxes } from '../sandbox/index.ts';

export interface KeptCode {
  /** Makes a folder and tells its name. */
  make(): Promise<string>;
  /** It must be empty. */
  remove(name: string): Promise<void>;
  path(name: string): string;
  /**
   * For code that the server is still unpacking. It lies beside the others, since no file moves from one mount to another.
   */
  readonly workDir: string;
}

/** @param dir an empty folder that only root writes to */
export async function openKeptCode(dir: string, userId: number): Promise<KeptCode> {
  // Files made in there inherit it from the folder.
  await shareWithSandboxes(dir);
  const path = (name: string) => join(dir, name);
  const workDir = path('work');
  await mkdir(workDir, { mode: 0o700 });
  await chown(workDir, userId, 0);
  return {
    path,
    workDir,
    async make() {
      const name = randomHex(8);
      await mkdir(path(name), { mode: 0o755 });
      await chown(path(name), userId, 0);
      return name;
    },
    remove: (name) => rmdir(path(name)),
  };
}
