/** Finds the policy's names for signers. */
import { matchesPattern } from '../../lib/index.ts';
import type { Signer } from '../trust/signer.ts';
import type { Policy } from './policy.ts';

/** The names to choose from; undefined stands for all names in the policy. */
export interface SignerNames {
  readonly keys: readonly string[];
  readonly identities: readonly string[];
}

/** Returns the signer's first name among those. Two names of one key are one signer; so are two people of one identity. */
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
