/** What the policy calls those who signed. */
import { matchesPattern } from '../../lib/index.ts';
import type { Signer } from '../trust/signer.ts';
import type { Policy } from './policy.ts';

/** Whom to look for: undefined is everybody whom the policy names. */
export interface SignerNames {
  readonly keys: readonly string[];
  readonly identities: readonly string[];
}

/** The first name of this signer among those; two names of one key are one signer, and so are two people of one identity. */
export function signerName(policy: Policy, signer: Signer, among?: SignerNames): string | undefined {
  const { keyId, certified } = signer;
  const key = policy.keys.find(
    ({ name, id }) => id === keyId && (among === undefined || among.keys.includes(name)),
  );
  if (key !== undefined || certified === undefined) return key?.name;
  return policy.identities.find(
    ({ name, root, issuer, subject }) =>
      (among === undefined || among.identities.includes(name)) &&
      certified.roots.includes(root) &&
      certified.issuer === issuer &&
      matchesPattern(subject, certified.subject),
  )?.name;
}
