/** The contract of catalogers: each reads one kind of file and returns the packages that it proves. */
import type { Digest } from '../../blobs/index.ts';
import type { Distribution, Ecosystem, ScannedFile } from '../types.ts';

/** A package as one file describes it. */
export interface FoundPackage {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly version: string;
  readonly source?: { readonly name: string; readonly version: string } | undefined;
  readonly architecture?: string | undefined;
  readonly licences?: readonly string[] | undefined;
  /** Its maker: dpkg's maintainer, rpm's vendor, an author. */
  readonly supplier?: string | undefined;
  /**
   * Needs, by names of its ecosystem: `NAME`, or `NAME VERSION` if only that version will do. `|` separates alternatives,
   * and a leading `?` marks an optional need. Undefined when unknown.
   */
  readonly needs?: readonly string[] | undefined;
  /** True if it has more needs than `needs` can express. */
  readonly needsMore?: true | undefined;
  /** Digests of the package: `sha256:` and hex. */
  readonly hashes?: readonly string[] | undefined;
  /** Module stream of an rpm: `nodejs:18`. */
  readonly module?: string | undefined;
  /** Path inside the file, if that is an archive: `BOOT-INF/lib/x.jar`. */
  readonly within?: string | undefined;
  /** The name is a guess; these are other possible names. */
  readonly otherNames?: readonly string[] | undefined;
  /** It lies in an archive from which nothing loads it. */
  readonly kept?: true | undefined;
  /** A system package of another vendor than the distribution. Its files are scanned like any others. */
  readonly foreign?: boolean | undefined;
}

/** The packages and facts that a file proves. */
export interface Proof {
  readonly packages?: readonly FoundPackage[] | undefined;
  readonly distribution?: Distribution | undefined;
  /** Another statement about the distribution. */
  readonly witness?: Witness | undefined;
  /** Licences of a Debian package, which its database lacks. */
  readonly copyright?: Copyright | undefined;
  /** Files that system packages claim. */
  readonly owns?: readonly Owned[] | undefined;
  /**
   * The packages are required, not installed. They count only if no package of the same ecosystem was found under this path
   * prefix.
   */
  readonly wishedFor?: string | undefined;
  /** It counts only if a link at a package's folder leads to it. */
  readonly isLinkedOnly?: true | undefined;
  /** Reasons why parts could not be read. */
  readonly gaps?: readonly string[] | undefined;
}

export interface Copyright {
  /** Name of the package. */
  readonly of: string;
  readonly licences?: readonly string[] | undefined;
  /** Name of another package with the same licences. */
  readonly sameAs?: string | undefined;
}

/** The files that a system package claims. */
export interface Owned {
  /** Name of the package, or path of the file that describes it alone. */
  readonly by: string;
  readonly paths: readonly string[];
  /** The digest of each path: MD5, SHA-1 or SHA-256 in hex, told apart by length. Empty if the package states none. */
  readonly digests: readonly string[];
}

/** Digests of a file, in hex. */
export interface Digests {
  readonly md5: string;
  readonly sha1: string;
  readonly sha256: string;
}

/** A statement about the distribution from outside os-release. */
export interface Witness {
  readonly id: string;
  /** Empty when unknown. */
  readonly versionId: string;
  /** The origin, for messages. */
  readonly by: string;
}

/** A proof and its file. */
export interface FileEvidence extends Proof {
  readonly path: string;
  /** Digests of the file, at paths where system packages have files. */
  readonly digests?: Digests | undefined;
}

/** Evidence of a file that still exists, and where its packages came from. */
export interface StandingEvidence {
  readonly evidence: FileEvidence;
  /** The layer that added the package at that place; undefined outside images. */
  originOf(found: FoundPackage): Digest | undefined;
}

export interface Cataloger {
  readonly name: string;
  /** Increase it when the cataloger would find something else. */
  readonly revision: number;
  /** Must be cheap, because it runs for every file. `base` is the last part of the path. */
  wants(file: Pick<ScannedFile, 'path' | 'head' | 'sizeBytes'>, base: string): boolean;
  /** The same for a file in an archive, by its path there. Without it, the cataloger skips archives. */
  wantsInside?(file: Pick<ScannedFile, 'path' | 'head' | 'sizeBytes'>, base: string): boolean;
  /** Reads a wanted file whose content is complete. An error becomes a gap. */
  read(file: ScannedFile & { readonly content: Buffer }): Proof | undefined | Promise<Proof | undefined>;
}
