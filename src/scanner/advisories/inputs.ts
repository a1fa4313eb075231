/** Finds the files that a path stands for, and names the source of each. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { errnoOf } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import type { AdvisoryInput } from './types.ts';

const maxFiles = 100_000;

/**
 * Takes one file, or all files below a folder except hidden ones. Files of a folder whose form is unknown are left out
 * later. A source is named after the last two parts of its path, so that OSV's `npm/all.zip` and `PyPI/all.zip` are two
 * sources in any folder.
 * @throws Fault ADVISORY_FILE_INVALID
 */
export async function advisoryInputs(path: string): Promise<readonly AdvisoryInput[]> {
  const full = resolve(path);
  const found = await stat(full).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.isFile()) return [{ path: full, source: sourceOf(full) }];
  const files = found?.isDirectory() ? await filesBelow(full) : [];
  if (files.length === 0) {
    throw scannerFault('ADVISORY_FILE_INVALID', `${path} is not a file or folder with advisories`, {
      hint: 'Name an export: OSV as .json, .ndjson.gz or .zip; a table of EPSS or KEV; or a folder of them.',
    });
  }
  return files.map((file) => ({ path: file, source: sourceOf(file, full), mayBeUnknown: true }));
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !relative(folder, path)
          .split(sep)
          .some((part) => part.startsWith('.')),
    );
  if (files.length <= maxFiles) return files.toSorted();
  throw scannerFault('ADVISORY_FILE_INVALID', `${folder} has more than ${maxFiles} files`, {
    hint: 'Import its folders one after the other, or put its records into one file, one a line.',
  });
}

/** For a file in a folder it is the whole path below that folder, if that is longer. */
function sourceOf(file: string, folder = dirname(file)): string {
  const short = join(basename(dirname(file)), basename(file));
  const below = relative(folder, file);
  return (below.split(sep).length > 2 ? below : short).split(sep).join('/');
}
