/** Faults of tokens and their issuers. */
import { faultTable } from '../lib/index.ts';

export const oidcFaults = {
  OIDC_TOKEN_MISSING: 'unauthenticated',
  OIDC_TOKEN_INVALID: 'unauthenticated',
  /** The token is valid, but lacks a scope. */
  OIDC_SCOPE_MISSING: 'denied',
  /** A person came back from the issuer without what was agreed before. */
  OIDC_LOGIN_FAILED: 'unauthenticated',
  /** Ward has no keys of the issuer to check a token with. */
  OIDC_UNAVAILABLE: 'busy',
} as const;

export const oidcFault = faultTable(oidcFaults);

export function invalidToken(why: string, cause?: unknown) {
  return oidcFault('OIDC_TOKEN_INVALID', `The bearer token is not valid: ${why}.`, { cause });
}
