/** Reads CVSS vectors of all versions: base scores and the names of their bands (first.org/cvss). */
import { createRequire } from 'node:module';
import { BoundedMap } from '../../lib/index.ts';
import type { Severity } from '../types.ts';

interface CvssScore {
  readonly score: number;
  readonly vector: string;
  readonly severity: Severity;
}

/** The same few thousand vectors recur, and a vector of version 4 takes half a millisecond. */
const remembered = 20_000;
const known = new BoundedMap<string, CvssScore | undefined>(remembered);

let calculator: typeof import('ae-cvss-calculator') | undefined;

/** Undefined when `vector` is not one. */
export function scoreOf(vector: string): CvssScore | undefined {
  if (known.has(vector)) return known.get(vector);
  const score = calculate(vector);
  known.set(vector, score);
  return score;
}

/** Returns 4, 3.1, 3 or 2. */
export function cvssVersion(vector: string): number {
  return Number(/^CVSS:(\d\.\d)/.exec(vector)?.[1] ?? 2);
}

export function severityOfScore(score: number, version: number): Severity {
  if (score >= 9 && version >= 3) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 || version < 3 ? 'low' : 'none';
}

function calculate(vector: string): CvssScore | undefined {
  if (
    !/^(?:CVSS:\d\.\d\/)?[A-Za-z]{1,3}:[A-Za-z]{1,8}(?:\/[A-Za-z]{1,3}:[A-Za-z]{1,8}){2,40}$/.test(vector)
  ) {
    return undefined;
  }
  const score = baseScore(vector);
  return score === undefined
    ? undefined
    : { score, vector, severity: severityOfScore(score, cvssVersion(vector)) };
}

/** The library throws for metrics that it doesn't know. */
function baseScore(vector: string): number | undefined {
  // Loaded late: it is large, and most processes that load this room score nothing.
  calculator ??= createRequire(import.meta.url)('ae-cvss-calculator') as typeof import('ae-cvss-calculator');
  try {
    if (vector.startsWith('CVSS:4.')) return new calculator.Cvss4P0(vector).calculateScores().base;
    if (vector.startsWith('CVSS:3.1')) return new calculator.Cvss3P1(vector).calculateScores().base;
    if (vector.startsWith('CVSS:3.0')) return new calculator.Cvss3P0(vector).calculateScores().base;
    return vector.startsWith('CVSS:') ? undefined : new calculator.Cvss2(vector).calculateScores().base;
  } catch {
    return undefined;
  }
}
