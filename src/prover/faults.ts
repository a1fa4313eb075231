/** Every fault that the prover room raises. */
import { faultTable } from '../lib/index.ts';

export const proverFaultTable = {
  /** No technique has such a name or vector. */
  NO_TECHNIQUE: 'missing',
  /** The image that the programs run in has no Python. */
  PYTHON_MISSING: 'host',
  /** A program of the suite ended or timed out before it said whether it was blocked. */
  PROGRAM_SILENT: 'host',
  /** Docker's defaults need runc and an overlay file system; one of them is missing. */
  COMPARISON_UNFIT: 'host',
} as const;

export const proverFault = faultTable(proverFaultTable);
