/**
 * Orders versions of Go modules and of Go itself (go.dev/ref/mod#versions): semantic versions with a `v`; pseudo-versions,
 * which are pre-releases ordered by their date; and `go1.24.1` or `go1.21rc2` for the toolchain. `+incompatible` and
 * `+dirty` don't count. `(devel)` is not a version.
 */
import { versionScheme } from './scheme.ts';
import { compareSemantic, parseSemantic, type SemanticVersion } from './semver.ts';

export const go = versionScheme<SemanticVersion>(parse, compareSemantic);

function parse(text: string): SemanticVersion | undefined {
  // Experiments come after a space: `go1.22.1 X:boringcrypto`.
  const [version = ''] = text
    .trim()
    .replace(/^go(?=\d)/, '')
    .split(' ');
  return parseSemantic(version.replace(/^(\d+(?:\.\d+)*)(rc|beta|alpha)(\d+)/, '$1-$2.$3'));
}
