/** What catalogers are: each reads one kind of file and says which packages it proves. */
import type { Digest } from '../../blobs/index.ts';
import type { Distribution, Ecosystem, ScannedFile } from '../types.ts';

/** A package as one file tells of it. */
export interface FoundPackage {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
  readonly source?: { readonly name: string; readonly version: string } | undefined;
  readonly architecture?: string | undefined;
  readonly licences?: readonly string[] | undefined;
  /** Who made it: dpkg's maintainer, rpm's vendor, an author. */
  readonly supplier?: string | undefined;
  /**
   * What it needs, in the names of its ecosystem: `NAME`, or `NAME VERSION` where only that one will do; alternatives are
   * parted by `|`, and after `?` stands what it needs only where it is there. Undefined: nothing tells.
   */
  readonly needs?: readonly string[] | undefined;
  /** It needs something more that can't be said so. */
  readonly needsMore?: true | undefined;
  /** Digests of the package: `sha256:` and hex. */
  readonly hashes?: readonly string[] | undefined;
  /** Module stream of an rpm: `nodejs:18`. */
  readonly module?: string | undefined;
  /** Inside of the file, when that is an archive: `BOOT-INF/lib/x.jar`. */
  readonly within?: string | undefined;
  /** Its name is a guess: it may have any of these instead. */
  readonly otherNames?: readonly string[] | undefined;
  /** It lies in an archive that nothing loads it from. */
  readonly kept?: true | undefined;
  /** A package of the system that its distribution did not make: its files are looked at like any others. */
  readonly foreign?: boolean | undefined;
}

/** What a file proves. */
export interface Proof {
  readonly packages?: readonly FoundPackage[] | undefined;
  readonly distribution?: Distribution | undefined;
  /** Another file that says which distribution it is. */
  readonly witness?: Witness | undefined;
  /** Licences of a package of Debian, which are not in its database. */
  readonly copyright?: Copyright | undefined;
  /** Files that packages of the system claim. */
  readonly owns?: readonly Owned[] | undefined;
  /**
   * The packages are wished for, not there: they count only where none of the same ecosystem was found in a path that
   * begins so.
   */
  readonly wishedFor?: string | undefined;
  /** It counts only where a link to a package's folder leads to it. */
  readonly isLinkedOnly?: true | undefined;
  /** Why some of it could not be read. */
  readonly gaps?: readonly string[] | undefined;
}

export interface Copyright {
  /** The package's name. */
  readonly of: string;
  readonly licences?: readonly string[] | undefined;
  /** It has those of another package. */
  readonly sameAs?: string | undefined;
}

/** What a package of the system says are its files. */
export interface Owned {
  /** Its name, or the path of the file that alone speaks of it. */
  readonly by: string;
  readonly paths: readonly string[];
  /** Of each path, in hex: MD5, SHA-1 or SHA-256, by its length; empty where the package does not say. */
  readonly digests: readonly string[];
}

/** Of a file, in hex. */
export interface Digests {
  readonly md5: string;
  readonly sha1: string;
  readonly sha256: string;
}

/** What else than os-release tells of the distribution. */
export interface Witness {
  readonly id: string;
  /** Empty: it does not tell. */
  readonly versionId: string;
  /** For people. */
  readonly by: string;
}

/** A proof, and the file that it is from. */
export interface FileEvidence extends Proof {
  readonly path: string;
  /** Of the file, where packages of the system have theirs. */
  readonly digests?: Digests | undefined;
}

/** Evidence that still stands, and where what it proves came from. */
export interface StandingEvidence {
  readonly evidence: FileEvidence;
  /** The layer that brought the package in that place; undefined outside images. */
  originOf(found: FoundPackage): Digest | undefined;
}

export interface Cataloger {
  readonly name: string;
  /** Changes when it would find something else. */
  readonly revision: number;
  /** Cheap: it is asked of every file. `base` is the last part of the path. */
  wants(file: Pick<ScannedFile, 'path' | 'head' | 'sizeBytes'>, base: string): boolean;
  /** The same for a file in an archive, by its path there; without it none is read. */
  wantsInside?(file: Pick<ScannedFile, 'path' | 'head' | 'sizeBytes'>, base: string): boolean;
  /** Of a file that it wants and that is there whole. What it throws becomes a gap. */
  read(file: ScannedFile & { readonly content: Buffer }): Proof | undefined | Promise<Proof | undefined>;
}
