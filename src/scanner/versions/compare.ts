/** Compares versions by the scheme of their ecosystem. */
import type { Ecosystem } from '../types.ts';
import { apk } from './apk.ts';
import { composer } from './composer.ts';
import { dpkg } from './dpkg.ts';
import { gem } from './gem.ts';
import { go } from './go.ts';
import { maven } from './maven.ts';
import { pep440 } from './pep440.ts';
import { rpm } from './rpm.ts';
import type { VersionScheme } from './scheme.ts';
import { semver } from './semver.ts';

const schemes: Readonly<Record<Ecosystem, VersionScheme>> = {
  deb: dpkg,
  apk,
  rpm,
  npm: semver,
  pypi: pep440,
  golang: go,
  maven,
  cargo: semver,
  gem,
  composer,
  // The order of Python's versions is close enough for conda.
  conda: pep440,
  binary: semver,
};

/**
 * Returns a number below, at or above zero. Undefined when either is not a version of the ecosystem. Then it is unknown
 * whether an advisory applies, and callers must not treat the version as safe.
 */
export function compareVersions(ecosystem: Ecosystem, a: string, b: string): number | undefined {
  return schemes[ecosystem].compare(a, b);
}
