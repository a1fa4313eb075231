/** What all lock files of npm's world have in common: they count only where nothing is installed beside them. */
import { folderOf } from '../text.ts';
import type { FoundPackage, Proof } from '../types.ts';

/** Those below `node_modules` are others' own. */
export function isLockPath(path: string): boolean {
  return !path.startsWith('node_modules/') && !path.includes('/node_modules/');
}

export function wishes(path: string, packages: readonly FoundPackage[]): Proof {
  return { packages, wishedFor: `${folderOf(path)}node_modules/` };
}
