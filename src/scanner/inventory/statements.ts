/**
 * Limits the statements of packages that only SBOMs use. No finding depends on them, so excess is dropped without a gap,
 * and the SBOM says that it is unknown.
 */
import type { Copyright, FoundPackage } from './types.ts';

/** Characters per layer. The largest real layers have a third of this. */
const mostStated = 4 * 1024 * 1024;

interface StatementBudget {
  /** Returns false once the limit is reached. */
  spendCopyright(copyright: Copyright): boolean;
  /** Returns the packages, without statements once the limit is reached. */
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

/** Each text costs some bytes, however short it is. */
function lengthOf(texts: readonly string[] = []): number {
  return texts.reduce((sum, text) => sum + text.length + 8, 0);
}
