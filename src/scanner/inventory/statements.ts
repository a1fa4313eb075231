/**
 * What packages state for SBOMs alone. No finding depends on it, so what is too much of it is left out, and is not a gap: an
 * SBOM then says that it is not known.
 */
import type { Copyright, FoundPackage } from './types.ts';

/** Characters of one layer; the largest real ones have a third of it. */
const mostStated = 4 * 1024 * 1024;

interface StatementBudget {
  /** False once there has been too much. */
  spendCopyright(copyright: Copyright): boolean;
  /** The packages, without their statements once there have been too many. */
  spend(packages: readonly FoundPackage[]): readonly FoundPackage[];
}

export function openStatementBudget(most = mostStated): StatementBudget {
  let stated = 0;
  return {
    spendCopyright: ({ of, licences }) => {
      stated += of.length * 2 + lengthOf(licences) + 100;
      return stated <= most;
    },
    spend: (packages) => {
      for (const found of packages)
        stated += lengthOf(found.needs) + lengthOf(found.licences) + lengthOf(found.hashes);
      return stated <= most ? packages : packages.map(withoutStatements);
    },
  };
}

function withoutStatements({
  needs: _needs,
  licences: _licences,
  hashes: _hashes,
  ...found
}: FoundPackage): FoundPackage {
  return found;
}

/** Each takes some bytes, however short it is. */
function lengthOf(texts: readonly string[] = []): number {
  return texts.reduce((sum, text) => sum + text.length + 8, 0);
}
