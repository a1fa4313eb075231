/**
 * Decides which addresses of an answer are opened to one sandbox and sent to it. The addresses come from a stranger's
 * name server and are checked against the grants here. A name that leads to a private or local address (DNS rebinding)
 * gets no address.
 */
import { isFault } from '../../lib/index.ts';
import { addressRefusal, type EgressGrants, grantsFor, type HostGrant } from '../grants.ts';
import { addressText, type Network, parseAddress } from '../networks.ts';
import { refusedAnswer, refusedName } from '../refusal-text.ts';
import { type Opening, placeOf, servicesOf } from '../services.ts';
import type { FoundAddress } from './upstream.ts';

interface DecisionOptions {
  readonly grants: EgressGrants;
  /** Addresses of this host now. */
  readonly own: () => readonly Network[];
  /** Settles when they are open. */
  readonly open: (openings: readonly Opening[], seconds: number) => Promise<void>;
  readonly onRefusal: (detail: string) => void;
}

export interface Told {
  /** Already open. */
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** Rejects when the addresses can't be opened. */
export type Decide = (name: string, found: readonly FoundAddress[]) => Promise<Told>;

/** Most addresses of one answer that are opened and sent. */
export const mostAddresses = 32;
/** Most elements of the packet filter that one answer may cost; a name with many services gets fewer addresses. */
const mostOpenings = 256;
/** A client asks for a name again within an hour, even if the name's owner allows a longer time. */
const longestSeconds = 3600;
/** Time to connect after the answer, even if the answer must not be cached (TTL 0). */
const graceSeconds = 5;

export function createDecision({ grants, own, open, onRefusal }: DecisionOptions): Decide {
  const services = servicesOf(grants);
  return async (name, found) => {
    const granted = grantsFor(grants, name).map((grant) => ({ grant, service: placeOf(services, grant) }));
    const perAddress = new Set(granted.map(({ service }) => service)).size;
    const most = Math.min(mostAddresses, Math.floor(mostOpenings / Math.max(1, perAddress)));
    const addresses = found.slice(0, most).flatMap(({ address }) => parseAddress(address) ?? []);
    const host = own();
    const judged = addresses.map((address) => judge(address, granted, host));
    for (const { address, why } of judged) {
      if (why !== undefined) onRefusal(refusedAnswer(name, addressText(address), why));
    }
    const ttlSeconds = Math.min(longestSeconds, ...found.map((each) => each.ttlSeconds));
    const openings = judged.flatMap((each) => each.openings);
    if (openings.length > 0) {
      await open(openings, ttlSeconds + graceSeconds).catch((error: unknown) => {
        if (isFault(error) && error.code === 'EGRESS_EXCEEDED') onRefusal(refusedName(name, error.message));
        throw error;
      });
    }
    const told = judged.filter((each) => each.openings.length > 0);
    return { addresses: told.map(({ address }) => addressText(address)), ttlSeconds };
  };
}

interface Candidate {
  readonly grant: HostGrant;
  readonly service: number;
}

interface Judged {
  readonly address: Network;
  readonly openings: readonly Opening[];
  /** The reason why no address is open. */
  readonly why: string | undefined;
}

function judge(address: Network, granted: readonly Candidate[], own: readonly Network[]): Judged {
  const answers = granted.map(({ grant, service }) => ({
    service,
    why: addressRefusal(grant, address, own),
  }));
  const open = new Set(answers.filter(({ why }) => why === undefined).map(({ service }) => service));
  return {
    address,
    openings: [...open].map((service) => ({ address, service })),
    why: open.size > 0 ? undefined : (answers[0]?.why ?? 'no rule allows it'),
  };
}
