/**
 * A statement of a VEX document in one form, whoever wrote it: what a vulnerability means for some products. Only those
 * that say "not affected" or "fixed" take a finding away, and of several the latest counts.
 */
import type { Digest } from '../../blobs/index.ts';
import type { PackageUrl } from '../package-url.ts';

export const vexStatuses = ['not_affected', 'affected', 'fixed', 'under_investigation'] as const;
export type VexStatus = (typeof vexStatuses)[number];

export interface VexProduct {
  /** A package, or an image (`pkg:oci/…`). What it does not say may be anything. */
  readonly package?: PackageUrl | undefined;
  /** An image by its manifest's digest. */
  readonly digest?: Digest | undefined;
  /** Only these versions; undefined: those that the package URL says. */
  readonly versions?: readonly string[] | undefined;
  /** Which of the product's components are meant; none: all, or the product itself. */
  readonly components: readonly PackageUrl[];
}

export interface VexStatement {
  /** All names of the vulnerability. */
  readonly ids: readonly string[];
  readonly status: VexStatus;
  /** The justification, or what else was said. */
  readonly justification: string;
  readonly products: readonly VexProduct[];
  /** Epoch milliseconds. */
  readonly at: number;
  /** Who says so. */
  readonly author: string;
}

/** VEX that the operator put there. */
export interface TrustedVex {
  /** Changes with what it says; empty: there is none. */
  readonly revision: string;
  readonly statements: readonly VexStatement[];
}
