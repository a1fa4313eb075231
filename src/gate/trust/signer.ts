/** Who signed something, and whose word counts. */
import type { TrustedKey } from './keys.ts';
import type { TrustedRoot } from './trusted-root.ts';

/** Somebody to whom an authority gave a certificate for the moment of signing. */
export interface Certified {
  /** Names of the trusted roots that the authority is of. */
  readonly roots: readonly string[];
  /** URL of who told the authority whom it has before it: `https://token.actions.githubusercontent.com`. */
  readonly issuer: string;
  /** URL or e-mail address. */
  readonly subject: string;
}

/** One of the two is there. */
export interface Signer {
  readonly keyId?: string | undefined;
  readonly certified?: Certified | undefined;
  /** How many entries of transparency logs of a trusted root prove it. */
  readonly logEntries: number;
}

/** Signatures count by these keys, and by whom these roots certify. */
export interface TrustAnchors {
  readonly keys: readonly TrustedKey[];
  readonly roots: readonly TrustedRoot[];
}
