/** Every fault that the prover room raises. */
import { faultTable } from '../lib/index.ts';

export const proverFaultTable = {
  /** No technique has such a name or vector. */
  NO_TECHNIQUE: 'missing',
  /** The image that the programs run in has no Python. */
  PYTHON_MISSING: 'host',
  /** A program of the suite ended, or its time did, before it said whether it was blocked. */
  PROGRAM_SILENT: 'host',
  /** What Docker's defaults need is missing: runc, or an overlay file system. */
  COMPARISON_UNFIT: 'host',
} as const;

export const proverFault = faultTable(proverFaultTable);
