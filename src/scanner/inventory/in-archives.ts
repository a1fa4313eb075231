/**
 * Decides which packages in archives count as installed, and which are only kept there. A package is installed if its
 * language loads it from the archive itself, and kept if it would have to be unpacked first.
 */
import type { OpenedForm } from '../archives/forms.ts';
import type { Ecosystem } from '../types.ts';
import { isJarName } from './java/jar.ts';

/** One of the archives around a package. */
export interface Container {
  readonly form: OpenedForm;
  /** Path of the outermost archive; for a nested one, its name in the outer one. */
  readonly path: string;
}

/** Yarn's Plug'n'Play loads packages from this place alone. */
const yarnCache = /(?:^|\/)(?:\.yarn\/(?:berry\/)?cache|\.?yarn\/berry\/cache)\/[^/]+\.zip$/;
/** Places where installers keep downloads, or packages for environments that are created later. */
const keptPlaces = /(?:^|\/)(?:\.cache|var\/cache|ensurepip\/_bundled|python-wheels)\//;

/** @param containers outermost first; at least one */
export function isLoadedFrom(containers: readonly Container[], ecosystem: Ecosystem): boolean {
  const [outermost] = containers;
  switch (ecosystem) {
    case 'maven':
    case 'golang':
    case 'cargo':
    case 'binary':
      // Native programs and libraries in a jar run only after they are unpacked.
      return containers.every(({ path }) => isJarName(path));
    case 'pypi':
      // Any zip can be on Python's path, but not a nested one.
      return containers.length === 1 && outermost?.form === 'zip' && !keptPlaces.test(outermost.path);
    case 'npm':
      return containers.length === 1 && outermost !== undefined && yarnCache.test(outermost.path);
    default:
      return false;
  }
}
