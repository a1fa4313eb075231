/** Common to all lock files of npm packages: they count only if nothing is installed beside them. */
import { folderOf } from '../text.ts';
import type { FoundPackage, Proof } from '../types.ts';

/** Lock files below `node_modules` belong to other packages. */
export function isLockPath(path: string): boolean {
  return !path.startsWith('node_modules/') && !path.includes('/node_modules/');
}

export function wishes(path: string, packages: readonly FoundPackage[]): Proof {
  return { packages, wishedFor: `${folderOf(path)}node_modules/` };
}
