/**
 * Versions of Go modules and of Go itself (go.dev/ref/mod#versions): semantic ones behind a `v`, pseudo-versions among
 * them, which are pre-releases whose date orders them; `go1.24.1`, `go1.21rc2` for the toolchain. `+incompatible` and
 * `+dirty` don't count; `(devel)` is not a version.
 */
import { versionScheme } from './scheme.ts';
import { compareSemantic, parseSemantic, type SemanticVersion } from './semver.ts';

export const go = versionScheme<SemanticVersion>(parse, compareSemantic);

function parse(text: string): SemanticVersion | undefined {
  // Behind a space come experiments: `go1.22.1 X:boringcrypto`.
  const [version = ''] = text
    .trim()
    .replace(/^go(?=\d)/, '')
    .split(' ');
  return parseSemantic(version.replace(/^(\d+(?:\.\d+)*)(rc|beta|alpha)(\d+)/, '$1-$2.$3'));
}
