/**
 * Packages in archives: which count as installed, and which are only kept there. What a language loads out of an archive
 * as it lies is installed; what would have to be unpacked first is kept.
 */
import type { OpenedForm } from '../archives/forms.ts';
import type { Ecosystem } from '../types.ts';
import { isJarName } from './java/jar.ts';

/** One of the archives that something lies in. */
export interface Container {
  readonly form: OpenedForm;
  /** Of the outermost; for one in another, its name there. */
  readonly path: string;
}

/** Plug'n'Play of Yarn loads packages from there, and from nowhere else. */
const yarnCache = /(?:^|\/)(?:\.yarn\/(?:berry\/)?cache|\.?yarn\/berry\/cache)\/[^/]+\.zip$/;
/** Where installers keep what they have fetched, or are to lay into environments that are made later. */
const keptPlaces = /(?:^|\/)(?:\.cache|var\/cache|ensurepip\/_bundled|python-wheels)\//;

/** @param containers The outermost first; at least one. */
export function isLoadedFrom(containers: readonly Container[], ecosystem: Ecosystem): boolean {
  const [outermost] = containers;
  switch (ecosystem) {
    case 'maven':
    case 'golang':
    case 'cargo':
    case 'binary':
      // Native programs and libraries of a jar are run by what unpacks them.
      return containers.every(({ path }) => isJarName(path));
    case 'pypi':
      // Any zip can be on Python's path; none in another.
      return containers.length === 1 && outermost?.form === 'zip' && !keptPlaces.test(outermost.path);
    case 'npm':
      return containers.length === 1 && outermost !== undefined && yarnCache.test(outermost.path);
    default:
      return false;
  }
}
