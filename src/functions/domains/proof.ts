/** Decides whether a namespace has proved a domain, by what DNS says about it. */
import { messageOf } from '../../lib/index.ts';
import type { DomainRow } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import { challengeNameOf, type DomainName } from './domain-name.ts';
import type { ResolveTxt } from './txt-records.ts';

/** @throws Fault DOMAIN_UNRESOLVED */
export async function challengeTexts(name: DomainName, resolve: ResolveTxt): Promise<readonly string[]> {
  try {
    return await resolve(challengeNameOf(name));
  } catch (cause) {
    throw functionFault('DOMAIN_UNRESOLVED', `DNS does not tell about ${name}: ${messageOf(cause)}`, {
      hint: `Check the name servers of ${name}, then verify it again.`,
      cause,
    });
  }
}

/**
 * Refuses a claim whose token is not among the texts, and one against an owner whose token still is.
 * @param owner the claim that is proved now
 * @throws Fault DOMAIN_UNPROVED, DOMAIN_TAKEN
 */
export function requireProof(
  texts: readonly string[],
  name: DomainName,
  claim: Pick<DomainRow, 'token'>,
  owner: Pick<DomainRow, 'token'> | undefined,
): void {
  const record = challengeNameOf(name);
  if (!texts.includes(claim.token)) {
    const fact =
      texts.length === 0 ? 'has no TXT record' : `has ${texts.length} TXT records, none of them right`;
    throw functionFault('DOMAIN_UNPROVED', `${record} ${fact}`, {
      hint: `Create the TXT record ${record} with the text ${claim.token}, and wait until DNS has forgotten what was there before.`,
    });
  }
  if (owner !== undefined && texts.includes(owner.token)) {
    throw functionFault(
      'DOMAIN_TAKEN',
      `another namespace has proved ${name}, and its TXT record is still there`,
      {
        hint: `Remove the other TXT record at ${record}, then verify it again.`,
      },
    );
  }
}
