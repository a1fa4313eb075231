/** The one door to the order of versions: which scheme an ecosystem has. */
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
  // Its versions are ordered like Python's, as far as anybody asks.
  conda: pep440,
  binary: semver,
};

/**
 * Below, at or above zero. Undefined when one of the two is not a version of its ecosystem: then nobody knows whether an
 * advisory speaks of it, and it must not be taken as safe.
 */
export function compareVersions(ecosystem: Ecosystem, a: string, b: string): number | undefined {
  return schemes[ecosystem].compare(a, b);
}
