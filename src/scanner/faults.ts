/** Faults of the scanner. Content that can't be read is a `Gap`, not a fault. */
import { faultTable } from '../lib/index.ts';

export const scannerFaults = {
  /** A layer's bytes do not have the digest or the diff id that the image states. */
  LAYER_MISMATCH: 'invalid',
  /** A file that should be an archive of images is not one. */
  IMAGE_ARCHIVE_INVALID: 'invalid',
  LAYER_MISSING: 'missing',
  /** An archive has several images, or none with that name. */
  IMAGE_NOT_CHOSEN: 'missing',
  SCAN_TIMED_OUT: 'unprocessable',
  /** The scan process ended. */
  SCAN_FAILED: 'host',
  SBOM_INVALID: 'invalid',
  /** A file is not a report of a scan. */
  REPORT_INVALID: 'invalid',
  /** A rules file is invalid; the message names the file and the place. */
  RULES_INVALID: 'invalid',
  /** A file was made to be slow to scan. */
  SCAN_TOO_COSTLY: 'unprocessable',
  /** A file of advisories is cut off, damaged, or of an unknown form. */
  ADVISORY_FILE_INVALID: 'invalid',
  ADVISORY_FILE_TOO_LARGE: 'too-large',
  /** The list of sources is invalid. */
  ADVISORY_SOURCES_INVALID: 'invalid',
  /** Another process is importing. */
  ADVISORIES_BUSY: 'busy',
  /** The file at the path is damaged, or not a file of advisories. */
  ADVISORIES_CORRUPT: 'host',
  /** The file was written by another version of Ward. */
  ADVISORIES_UNSUPPORTED: 'unsupported',
  /** The disk or the import thread failed. */
  ADVISORIES_FAILED: 'host',
  /** No source could be fetched. */
  ADVISORIES_UNREACHABLE: 'unreachable',
  /** A mirror's list of checksums does not match its signature, or a file does not match the list. */
  ADVISORIES_UNTRUSTED: 'unprocessable',
  /** A source has far fewer records than before. */
  ADVISORIES_TOO_FEW: 'unprocessable',
} as const;

export const scannerFault = faultTable(scannerFaults);
