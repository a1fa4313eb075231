/**
 * The keeper's half of the places for code: a folder that only root writes to. Each piece of code has a folder in it
 * that belongs to the server. So the server can fill that folder, but can't put anything else in its place.
 */
import { chown, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { randomHex } from '../lib/index.ts';
import { shareWithSandboxes } from '../sandbox/index.ts';

export interface KeptCode {
  /** Makes a folder and resolves to its name. */
  make(): Promise<string>;
  /** Removes a folder, which must be empty. */
  remove(name: string): Promise<void>;
  path(name: string): string;
  /**
   * For code that the server is still unpacking. It lies beside the other folders, because a file can't move from one
   * mount to another.
   */
  readonly workDir: string;
}

/** @param dir An empty folder that only root writes to. */
export async function openKeptCode(dir: string, userId: number): Promise<KeptCode> {
  // Files made in the folder inherit its sharing.
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
