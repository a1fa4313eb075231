/** The analysis of one layer: all that a scan needs to know of it, independent of the layers below and above. */
import type { Digest } from '../../blobs/index.ts';
import type { FileEvidence } from '../inventory/types.ts';
import type { Finding, Gap } from '../types.ts';

export interface LayerAnalysis {
  readonly form: 1;
  /** Digest of the stored, compressed bytes. */
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly evidence: readonly FileEvidence[];
  /** Their places do not name the layer. */
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
  /** Paths of everything but folders, sorted, one a line: hundreds of thousands of strings would take too much memory. */
  readonly files: string;
  /** Paths of folders with an entry of their own, sorted. */
  readonly folders: readonly string[];
  /** Links at the path of a package database, or of a folder above one. */
  readonly links: readonly Link[];
  /** Folders of npm packages with code and without a `package.json`. */
  readonly bareFolders: readonly string[];
  /** Links at the paths of npm packages that lead out of `node_modules`. */
  readonly packageLinks: readonly Link[];
  /** Paths that it deletes from the layers below. */
  readonly removed: readonly string[];
  /** Folders whose content in the layers below it hides. */
  readonly opaque: readonly string[];
}

export interface Link {
  readonly path: string;
  readonly target: string;
}

/** The paths in `files`. */
export function filesIn({ files }: Pick<LayerAnalysis, 'files'>): readonly string[] {
  return files === '' ? [] : files.split('\n');
}
