/** Signers, and the anchors that make them count. */
import type { TrustedKey } from './keys.ts';
import type { TrustedRoot } from './trusted-root.ts';

/** A signer with a certificate that an authority issued for the moment of signing. */
export interface Certified {
  /** Names of the trusted roots that have the authority. */
  readonly roots: readonly string[];
  /** URL of the identity provider that the authority relied on: `https://token.actions.githubusercontent.com`. */
  readonly issuer: string;
  /** URL or e-mail address. */
  readonly subject: string;
}

/** Has either `keyId` or `certified`. */
export interface Signer {
  readonly keyId?: string | undefined;
  readonly certified?: Certified | undefined;
  /** Number of entries in transparency logs of a trusted root that prove it. */
  readonly logEntries: number;
}

/** Signatures count if one of these keys made them, or one of these roots certifies their signer. */
export interface TrustAnchors {
  readonly keys: readonly TrustedKey[];
  readonly roots: readonly TrustedRoot[];
}
