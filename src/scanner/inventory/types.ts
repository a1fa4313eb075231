/** What catalogers are: each reads one kind of file and says which packages it proves. */
import type { Distribution, Ecosystem, ScannedFile } from '../types.ts';

/** A package as one file tells of it. */
export interface FoundPackage {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
  readonly source?: { readonly name: string; readonly version: string } | undefined;
  readonly architecture?: string | undefined;
  readonly licences?: readonly string[] | undefined;
  /** Module stream of an rpm: `nodejs:18`. */
  readonly module?: string | undefined;
  /** Inside of the file, when that is an archive: `BOOT-INF/lib/x.jar`. */
  readonly within?: string | undefined;
  /** A package of the system that its distribution did not make: its files are looked at like any others. */
  readonly foreign?: boolean | undefined;
}

/** What a file proves. */
export interface Proof {
  readonly packages?: readonly FoundPackage[] | undefined;
  readonly distribution?: Distribution | undefined;
  /** Files that belong to packages of the system, by which package when one file speaks of one. */
  readonly owns?: { readonly by?: string | undefined; readonly paths: readonly string[] } | undefined;
  /**
   * The packages are wished for, not there: they count only where none of the same ecosystem was found in a path that
   * begins so.
   */
  readonly wishedFor?: string | undefined;
  /** Why some of it could not be read. */
  readonly gaps?: readonly string[] | undefined;
}

/** A proof, and the file that it is from. */
export interface Evidence extends Proof {
  readonly path: string;
}

export interface Cataloger {
  readonly name: string;
  /** Changes when it would find something else. */
  readonly revision: number;
  /** Cheap: it is asked of every file. `base` is the last part of the path. */
  wants(file: Pick<ScannedFile, 'path' | 'head' | 'sizeBytes'>, base: string): boolean;
  /** Of a file that it wants and that is there whole. What it throws becomes a gap. */
  read(file: ScannedFile & { readonly content: Buffer }): Proof | undefined | Promise<Proof | undefined>;
}
