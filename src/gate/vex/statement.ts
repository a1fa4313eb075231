/**
 * A VEX statement in one form for all formats: what a vulnerability means for some products. Only "not affected" and "fixed"
 * suppress a finding, and the latest of several statements counts.
 */
import type { Digest } from '../../blobs/index.ts';
import type { PackageUrl } from '../package-url.ts';

export const vexStatuses = ['not_affected', 'affected', 'fixed', 'under_investigation'] as const;
export type VexStatus = (typeof vexStatuses)[number];

export interface VexProduct {
  /** A package, or an image (`pkg:oci/…`). A part that it leaves out matches any. */
  readonly package?: PackageUrl | undefined;
  /** An image by its manifest's digest. */
  readonly digest?: Digest | undefined;
  /** Only these versions; undefined for those of the package URL. */
  readonly versions?: readonly string[] | undefined;
  /** The product's components that it is about; empty for all of them, or the product itself. */
  readonly components: readonly PackageUrl[];
}

export interface VexStatement {
  /** All names of the vulnerability. */
  readonly ids: readonly string[];
  readonly status: VexStatus;
  /** The justification, or other text in its place. */
  readonly justification: string;
  readonly products: readonly VexProduct[];
  /** Epoch milliseconds. */
  readonly at: number;
  /** Who says so. */
  readonly author: string;
  /** Name of the operator's document that has it. Absent for one that a signer attested. */
  readonly document?: string;
}

/** The operator's VEX. */
export interface TrustedVex {
  /** Changes with the content; empty when there is none. */
  readonly revision: string;
  readonly statements: readonly VexStatement[];
}

export interface OperatorVex extends TrustedVex {
  /** By name, with how many statements each has. */
  readonly documents: readonly { readonly name: string; readonly statements: number }[];
}
