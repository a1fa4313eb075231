/**
 * Large data of other projects that some tests compare with. It is not in the repository, but in a folder beside it, or in
 * the folder that WARD_SHARED names. A test must ask for it while it runs, and is skipped if it is missing. A suite that
 * asks while it is collected would fail in a clone without the data.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const shared = process.env['WARD_SHARED'] ?? resolve(import.meta.dirname, '../../../shared');

/** A test's context from Vitest. */
export interface Skippable {
  skip(note: string): never;
}

/** Returns the path of a file or folder of the shared data. Skips the running test if it is missing. */
export function sharedData(test: Skippable, path: string): string {
  const found = join(shared, path);
  if (!existsSync(found)) test.skip(`needs ${found}, which is not part of the repository (see WARD_SHARED)`);
  return found;
}

/** Does the same for the test vectors of other projects. */
export function scanVectors(test: Skippable, path: string): string {
  return sharedData(test, join('scanning/vectors', path));
}
