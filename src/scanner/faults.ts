/** The closed table of what a scan can go wrong with. What can't be read inside of it is a `Gap`, not a fault. */
import { faultTable } from '../lib/index.ts';

export const scannerFaults = {
  /** A layer's bytes do not have the digest or the diff id that the image says. */
  LAYER_MISMATCH: 'invalid',
  /** A file that should be an archive of images is not one. */
  IMAGE_ARCHIVE_INVALID: 'invalid',
  LAYER_MISSING: 'missing',
  /** An archive holds several images, or none of the name. */
  IMAGE_NOT_CHOSEN: 'missing',
  SCAN_TIMED_OUT: 'unprocessable',
  /** The process that scanned ended. */
  SCAN_FAILED: 'host',
  SBOM_INVALID: 'invalid',
  /** A file that is said to be a report of a scan. */
  REPORT_INVALID: 'invalid',
  /** A file of rules; the message says which and where. */
  RULES_INVALID: 'invalid',
  /** A file that was made to be slow to look at. */
  SCAN_TOO_COSTLY: 'unprocessable',
  /** A file of advisories is cut off, damaged, or of a form that nobody knows. */
  ADVISORY_FILE_INVALID: 'invalid',
  ADVISORY_FILE_TOO_LARGE: 'too-large',
  /** The list of sources says something that makes no sense. */
  ADVISORY_SOURCES_INVALID: 'invalid',
  /** Another process is importing. */
  ADVISORIES_BUSY: 'busy',
  /** What is under the path is not a file of advisories, or a damaged one. */
  ADVISORIES_CORRUPT: 'host',
  /** The file was written by another version of Ward. */
  ADVISORIES_UNSUPPORTED: 'unsupported',
  /** The disk, or the thread that imports. */
  ADVISORIES_FAILED: 'host',
  /** None of the sources could be had. */
  ADVISORIES_UNREACHABLE: 'unreachable',
  /** A mirror's list of checksums, or a file of it, is not what was signed or listed. */
  ADVISORIES_UNTRUSTED: 'unprocessable',
  /** A source has far fewer records than before. */
  ADVISORIES_TOO_FEW: 'unprocessable',
} as const;

export const scannerFault = faultTable(scannerFaults);
