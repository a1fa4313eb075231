/**
 * Lets the other half of a command run by hand read root's cache of compiled code; without it, the start takes a
 * second. With a cache of its own, a compromised half could leave code for the next one.
 */
import { chmodSync, lstatSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../../lib/index.ts';

/** Never throws: on failure the other half compiles the code itself. */
export function shareCompileCache(uid: number): void {
  const dir = module.getCompileCacheDir();
  if (dir === undefined) return;
  try {
    linkFor(dir, uid);
    openNew(dir);
  } catch {
    // The checkout can be read-only, for example.
  }
}

/** Node ends the name of a cache with the user's id. */
function linkFor(dir: string, uid: number): void {
  const link = join(dirname(dir), basename(dir).replace(/\d+$/, String(uid)));
  if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) return;
  try {
    symlinkSync(basename(dir), link);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Node creates files that only their owner can read. */
function openNew(dir: string): void {
  const stamp = `${dir}.shared`;
  const { mtime } = statSync(dir);
  const known = lstatSync(stamp, { throwIfNoEntry: false });
  if (known?.mtimeMs === mtime.getTime()) return;
  for (const name of readdirSync(dir)) chmodSync(join(dir, name), 0o644);
  writeFileSync(stamp, '');
  // Restores the time: new files can arrive meanwhile.
  utimesSync(stamp, mtime, mtime);
}
