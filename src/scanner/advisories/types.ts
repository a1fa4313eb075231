/** Importing, updating and opening advisories. */
import type { Log } from '../../lib/index.ts';
import type { AdvisoryMatcher, AdvisoryState } from '../types.ts';
import type { Form } from './forms/form.ts';

export interface AdvisoryDatabase extends AdvisoryMatcher, Disposable {
  /**
   * Takes the file that is there now; true when it says something other than before. Nothing else does, so that what
   * `match` finds and what `state` says belong together until the next call.
   * @throws Fault ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED
   */
  refresh(): boolean;
}

/** One file to import. */
export interface AdvisoryInput {
  readonly path: string;
  /** What it replaces when it is imported again. */
  readonly source: string;
  /** Undefined: by how the file begins. */
  readonly form?: Form | undefined;
  /** It was found in a folder: left out, and named, if it is of no known form. Otherwise that is an error. */
  readonly mayBeUnknown?: boolean;
  /** ISO time of what it says, for forms without times of their own; undefined: of the file. */
  readonly asOf?: string | undefined;
  readonly licence?: string | undefined;
  /** Where it was downloaded, for the next conditional request. */
  readonly origin?: AdvisoryOrigin | undefined;
  /** With fewer records than this it is not taken: what a source publishes doesn't melt away. */
  readonly leastRecords?: number | undefined;
}

export interface AdvisoryOrigin {
  readonly url: string;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export interface ImportOptions {
  /** Of the file of advisories; its folder is made. */
  readonly path: string;
  readonly inputs: readonly AdvisoryInput[];
  /** Sources to remove. */
  readonly forget?: readonly string[] | undefined;
  /** Sources that were found to be as they are here. */
  readonly unchanged?: readonly string[] | undefined;
  readonly progress?: ((progress: AdvisoryProgress) => void) | undefined;
  readonly log?: Log | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AdvisoryProgress {
  readonly stage: 'download' | 'read' | 'finish';
  readonly source: string;
  /** Of the file, as it is on the disk or comes over the net. */
  readonly bytes: number;
  readonly totalBytes?: number | undefined;
  /** Records so far; 0 while downloading. */
  readonly records: number;
}

export interface ImportedSource {
  readonly source: string;
  readonly form: Form;
  /** Its file is the one that was imported before, and was not read again. */
  readonly unchanged: boolean;
  readonly records: number;
  /** Records that make no sense. */
  readonly bad: number;
  /** The first of them. */
  readonly badRecords: readonly { readonly place: string; readonly reason: string }[];
  /** Records of what Ward never finds. */
  readonly skipped: number;
}

export interface ImportResult {
  readonly state: AdvisoryState;
  /** Whether the file is another than before. */
  readonly changed: boolean;
  readonly sources: readonly ImportedSource[];
  /** Paths of files in folders that are of no known form. */
  readonly unknown: readonly string[];
}

export interface AdvisoryStatus {
  readonly state: AdvisoryState;
  readonly sizeBytes: number;
  readonly sources: readonly SourceStatus[];
  /** Packages that advisories speak of, by OSV's ecosystem. */
  readonly ecosystems: readonly { readonly ecosystem: string; readonly advisories: number }[];
  /** CVEs that are known to be exploited; with a probability; with a rating. */
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
  /** ISO time of its newest record's change; undefined when it has no times. */
  readonly newest?: string | undefined;
  readonly records: number;
  readonly bad: number;
  readonly skipped: number;
}
