/**
 * Large data of other projects that some tests compare with. It is not in the repository: it lies in a folder beside it,
 * or where WARD_SHARED says. A test asks for it while it runs, and is skipped where it is not there; a suite that asks
 * while it is collected fails in a clone that has nothing beside it.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const shared = process.env['WARD_SHARED'] ?? resolve(import.meta.dirname, '../../../shared');

/** A test's context from Vitest. */
export interface Skippable {
  skip(note: string): never;
}

/** The path of a file or folder of the shared data; skips the running test where it is not there. */
export function sharedData(test: Skippable, path: string): string {
  const found = join(shared, path);
  if (!existsSync(found)) test.skip(`needs ${found}, which is not part of the repository (see WARD_SHARED)`);
  return found;
}

/** A file or folder of the test vectors of other projects, as above. */
export function scanVectors(test: Skippable, path: string): string {
  return sharedData(test, join('scanning/vectors', path));
}
