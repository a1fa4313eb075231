/** Types for importing, updating and opening advisories. */
import type { Log } from '../../lib/index.ts';
import type { AdvisoryMatcher, AdvisoryState } from '../types.ts';
import type { Form } from './forms/form.ts';

export interface AdvisoryDatabase extends AdvisoryMatcher, Disposable {
  /**
   * Opens the current file. Returns true if its content differs from before. Nothing else changes files, so `match` and
   * `state` agree until the next call.
   * @throws Fault ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED
   */
  refresh(): boolean;
  /** Of the current file; undefined when there is none. */
  mark(): AdvisoryMark | undefined;
}

/** One file to import. */
export interface AdvisoryInput {
  readonly path: string;
  /** Its name. A new import replaces all records of the same source. */
  readonly source: string;
  /** Undefined to detect it. */
  readonly form?: Form | undefined;
  /**
   * True for a file found in a folder: if its form is unknown it is left out and reported. For other files that is an
   * error.
   */
  readonly mayBeUnknown?: boolean;
  /** ISO time for forms without times of their own; undefined for the time of the file. */
  readonly asOf?: string | undefined;
  readonly licence?: string | undefined;
  /** Origin of the download, for the next conditional request. */
  readonly origin?: AdvisoryOrigin | undefined;
  /** The import refuses a file with fewer records, because a source does not lose most of its records. */
  readonly leastRecords?: number | undefined;
}

export interface AdvisoryOrigin {
  readonly url: string;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export interface ImportOptions {
  /** Path of the advisory file. Its folder is created. */
  readonly path: string;
  readonly inputs: readonly AdvisoryInput[];
  readonly forget?: readonly string[] | undefined;
  /** Sources that have not changed upstream. */
  readonly unchanged?: readonly string[] | undefined;
  readonly progress?: ((progress: AdvisoryProgress) => void) | undefined;
  readonly log?: Log | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AdvisoryProgress {
  readonly stage: 'download' | 'read' | 'finish';
  readonly source: string;
  /** Bytes of the packed file, on disk or over the network. */
  readonly bytes: number;
  readonly totalBytes?: number | undefined;
  /** Records so far; 0 while downloading. */
  readonly records: number;
}

export interface ImportedSource {
  readonly source: string;
  readonly form: Form;
  /** The same file was imported before, so it was not read again. */
  readonly unchanged: boolean;
  readonly records: number;
  /** Number of invalid records. */
  readonly bad: number;
  /** The first invalid records. */
  readonly badRecords: readonly { readonly place: string; readonly reason: string }[];
  /** Number of records about packages that Ward never finds. */
  readonly skipped: number;
}

export interface ImportResult {
  readonly state: AdvisoryState;
  /** Whether the content changed. */
  readonly changed: boolean;
  readonly sources: readonly ImportedSource[];
  /** Paths of files in folders whose form is unknown. */
  readonly unknown: readonly string[];
}

/** Tells a file of advisories from others, and which one is the later one. */
export interface AdvisoryMark {
  /** Of its content. */
  readonly revision: string;
  /** ISO time at which it was built. Later than that of the file that it replaced, also when the clock was slow. */
  readonly builtAt: string;
}

export interface AdvisoryStatus {
  readonly state: AdvisoryState;
  readonly sizeBytes: number;
  readonly sources: readonly SourceStatus[];
  /** Number of advisories by OSV ecosystem. */
  readonly ecosystems: readonly { readonly ecosystem: string; readonly advisories: number }[];
  /** Number of CVEs that are known to be exploited, that have a probability, and that have a rating. */
  readonly exploited: number;
  readonly probabilities: number;
  readonly ratings: number;
}

export interface SourceStatus {
  readonly source: string;
  readonly form: string;
  readonly licence?: string | undefined;
  readonly url?: string | undefined;
  readonly importedAt: string;
  readonly checkedAt: string;
  /** ISO time of the newest change of a record; undefined when it gives no times. */
  readonly newest?: string | undefined;
  readonly records: number;
  readonly bad: number;
  readonly skipped: number;
}
