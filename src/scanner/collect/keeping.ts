/** Keeps the results of analysers up to limits, and reports when a limit is reached. */
import { isOfSystem } from '../inventory/purl.ts';
import { openStatementBudget } from '../inventory/statements.ts';
import type { Digests, FileEvidence, Proof } from '../inventory/types.ts';
import { mostFindings, mostPackages } from '../limits.ts';
import type { Finding, Gap } from '../types.ts';

export interface Collected {
  readonly evidence: readonly FileEvidence[];
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
}

export interface Keeping {
  /** Calls `digests` only if a package could claim the file. */
  addProof(path: string, proof: Proof | undefined, digests: () => Digests | undefined): void;
  addFindings(found: readonly Finding[]): void;
  addGap(path: string, reason: string): void;
  /** Drops what a replaced file proved. */
  forget(path: string): void;
  result(): Collected;
}

/** Beyond this number, one gap says that there are more. */
const maxGaps = 200;
const longestReason = 500;

export function openKeeping(): Keeping {
  const evidence = new Map<string, FileEvidence[]>();
  const findings: Finding[] = [];
  const gaps: Gap[] = [];
  const statements = openStatementBudget();
  let packages = 0;
  let isFull = false;

  const full = (): void => {
    if (!isFull) gaps.push({ path: '', reason: 'it has more packages or findings than are kept' });
    isFull = true;
  };
  const addProof: Keeping['addProof'] = (path, proof, digests) => {
    if (proof === undefined) return;
    packages += proof.packages?.length ?? 0;
    if (packages > mostPackages) return full();
    if (proof.copyright && !statements.spendCopyright(proof.copyright)) return;
    const bounded = proof.packages ? { ...proof, packages: statements.spend(proof.packages) } : proof;
    const before = evidence.get(path);
    if (before === undefined) evidence.set(path, [evidenceOf(path, bounded, digests)]);
    else before.push(evidenceOf(path, bounded, digests));
  };
  return {
    addProof,
    addFindings: (found) => {
      if (findings.length + found.length > mostFindings) full();
      else findings.push(...found);
    },
    addGap: (path, reason) => {
      if (gaps.length < maxGaps) gaps.push({ path, reason: reason.slice(0, longestReason) });
      else if (gaps.length === maxGaps)
        gaps.push({ path: '', reason: 'there are more gaps than are listed' });
    },
    forget: (path) => {
      evidence.delete(path);
    },
    result: () => ({ evidence: [...evidence.values()].flat(), findings, gaps }),
  };
}

function evidenceOf(path: string, proof: Proof, digests: () => Digests | undefined): FileEvidence {
  const packages = proof.packages ?? [];
  const isClaimable =
    packages.length + (proof.gaps?.length ?? 0) > 0 &&
    !packages.some(({ ecosystem }) => isOfSystem(ecosystem));
  const found = isClaimable ? digests() : undefined;
  return { path, ...proof, ...(found && { digests: found }) };
}
