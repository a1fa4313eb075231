/** The closed table of what a scan can go wrong with. What can't be read inside of it is a `Gap`, not a fault. */
import { faultTable } from '../lib/index.ts';

export const scannerFaults = {
  /** A layer's bytes do not have the digest or the diff id that the image says. */
  LAYER_MISMATCH: 'invalid',
  /** A layer is no whole tar, or one that two programs would read in two ways. */
  LAYER_INVALID: 'invalid',
  LAYER_TOO_LARGE: 'too-large',
  SCAN_TIMED_OUT: 'unprocessable',
  /** The thread that scanned ended. */
  SCAN_FAILED: 'host',
  SBOM_INVALID: 'invalid',
  /** A file of rules; the message says which and where. */
  RULES_INVALID: 'invalid',
  /** A file that was made to be slow to look at. */
  SCAN_TOO_COSTLY: 'unprocessable',
} as const;

export const scannerFault = faultTable(scannerFaults);
