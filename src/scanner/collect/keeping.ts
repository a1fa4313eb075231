/** What is kept of what those who look at files say: bounded, and open about it. */
import type { Evidence, Proof } from '../inventory/types.ts';
import { mostFindings, mostPackages } from '../limits.ts';
import type { Finding, Gap } from '../types.ts';

export interface Collected {
  readonly evidence: readonly Evidence[];
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
}

export interface Keeping {
  addProof(path: string, proof: Proof | undefined): void;
  addFindings(found: readonly Finding[]): void;
  addGap(path: string, reason: string): void;
  /** What was proven by a file that has been replaced. */
  forget(path: string): void;
  result(): Collected;
}

/** Past these, one gap says that there is more. */
const maxGaps = 200;
const longestReason = 500;

export function openKeeping(): Keeping {
  const evidence = new Map<string, Evidence[]>();
  const findings: Finding[] = [];
  const gaps: Gap[] = [];
  let packages = 0;
  let isFull = false;

  const full = (): void => {
    if (!isFull) gaps.push({ path: '', reason: 'there is more in it than is kept' });
    isFull = true;
  };
  const addProof = (path: string, proof: Proof | undefined): void => {
    if (proof === undefined) return;
    packages += proof.packages?.length ?? 0;
    const before = evidence.get(path);
    if (packages > mostPackages) full();
    else if (before === undefined) evidence.set(path, [{ path, ...proof }]);
    else before.push({ path, ...proof });
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
