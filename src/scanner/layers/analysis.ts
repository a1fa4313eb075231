/** What one layer holds, whatever lies below and above it: all that a scan has to know of it. */
import type { Digest } from '../../blobs/index.ts';
import type { FileEvidence } from '../inventory/types.ts';
import type { Finding, Gap } from '../types.ts';

export interface LayerAnalysis {
  readonly form: 1;
  /** Of the bytes as they are stored. */
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly evidence: readonly FileEvidence[];
  /** Without the layer in their places. */
  readonly findings: readonly Finding[];
  readonly gaps: readonly Gap[];
  /** Files, links and all else that is not a folder: sorted, a line each, for hundreds of thousands of texts are a burden. */
  readonly files: string;
  /** Folders that have an entry of their own; sorted. */
  readonly folders: readonly string[];
  /** Links that stand where the database of a package manager, or a folder above it, is expected. */
  readonly links: readonly Link[];
  /** Folders of npm packages with code and without a `package.json`. */
  readonly bareFolders: readonly string[];
  /** Links in the places of npm packages that lead out of `node_modules`. */
  readonly packageLinks: readonly Link[];
  /** What it deletes of the layers below. */
  readonly removed: readonly string[];
  /** Folders of which it hides all that the layers below have in them. */
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
