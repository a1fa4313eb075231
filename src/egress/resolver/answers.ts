/**
 * Answers to one sandbox: only for names that it was granted, and only with addresses that are open to it by the
 * time that it reads them. A name that leads to a private or local address (DNS rebinding) has no address here.
 */
import { addressRefusal, type EgressGrants, grantsFor, type HostGrant } from '../grants.ts';
import { addressText, type Network, parseAddress } from '../networks.ts';
import type { Opening } from '../router/ruleset.ts';
import {
  type AddressRecord,
  encodeAnswer,
  parseQuestion,
  type Question,
  type ResponseCode,
} from './messages.ts';
import type { FoundAddress, Upstream } from './upstream.ts';

export interface AnswererOptions {
  readonly grants: EgressGrants;
  readonly upstream: Upstream;
  /** Addresses of this host, now. */
  readonly own: () => readonly Network[];
  /** Settles when they are open. */
  readonly open: (openings: readonly Opening[], seconds: number) => Promise<void>;
  readonly onRefusal: (detail: string) => void;
}

export type Answerer = (message: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>;

/** Told and opened of one answer. */
export const mostAddresses = 32;
/** A name is asked for again within an hour, whatever its owner says. */
const longestSeconds = 3600;
/** From the answer to the connection, even where the answer may not be kept (TTL 0). */
const graceSeconds = 5;
/** Questions under way at once. */
const mostPending = 32;

interface Outcome {
  readonly code: ResponseCode;
  readonly records: readonly AddressRecord[];
}

const nothing: Outcome = { code: 'NOERROR', records: [] };
const unknown: Outcome = { code: 'NXDOMAIN', records: [] };
const failed: Outcome = { code: 'SERVFAIL', records: [] };

/** Never rejects; undefined is no answer. */
export function createAnswerer(options: AnswererOptions): Answerer {
  let pending = 0;
  return async (message, transport) => {
    const question = parseQuestion(message);
    if (question === undefined || Buffer.isBuffer(question)) return question;
    if (pending >= mostPending) return encodeAnswer(question, 'SERVFAIL', [], transport);
    pending++;
    try {
      const { code, records } = await outcomeOf(question, options).catch(() => failed);
      return encodeAnswer(question, code, records, transport);
    } finally {
      pending--;
    }
  };
}

async function outcomeOf({ name, asked, type }: Question, options: AnswererOptions): Promise<Outcome> {
  const isForAddress = type === 'A' || type === 'AAAA';
  const granted = name === undefined ? [] : grantsFor(options.grants, name);
  if (name === undefined || granted.length === 0) {
    if (isForAddress) options.onRefusal(`name ${asked}: no rule allows it`);
    return unknown;
  }
  // Texts of other kinds are of no use to a connection, and a way to carry data in and out.
  if (!isForAddress) return nothing;
  // The uplink has no way to addresses of a family that the host has none of: a program would wait for nothing.
  if (type === 'AAAA' && !options.own().some(isReachingIpv6)) return nothing;
  const found = await options.upstream.lookup(name, type === 'A' ? 4 : 6);
  if (found === 'unknown') return unknown;
  if (found === 'failed') return failed;
  return opened(name, type, granted, found, options);
}

async function opened(
  name: string,
  type: 'A' | 'AAAA',
  granted: readonly HostGrant[],
  found: readonly FoundAddress[],
  options: AnswererOptions,
): Promise<Outcome> {
  const own = options.own();
  const addresses = found.slice(0, mostAddresses).flatMap(({ address }) => parseAddress(address) ?? []);
  const judged = addresses.map((address) => judge(address, granted, own));
  for (const { address, why } of judged) {
    if (why !== undefined) options.onRefusal(`name ${name} leads to ${addressText(address)}: ${why}`);
  }
  const openings = judged.flatMap((each) => each.openings);
  if (openings.length === 0) return nothing;
  const ttlSeconds = Math.min(longestSeconds, ...found.map((each) => each.ttlSeconds));
  await options.open(openings, ttlSeconds + graceSeconds);
  const told = judged.filter((each) => each.openings.length > 0).map(({ address }) => addressText(address));
  return { code: 'NOERROR', records: told.map((address) => ({ type, address, ttlSeconds })) };
}

function isReachingIpv6({ family, text }: Network): boolean {
  return family === 6 && text !== '::1/128' && !text.startsWith('fe80:');
}

interface Judged {
  readonly address: Network;
  readonly openings: readonly Opening[];
  /** Why nothing of it is open. */
  readonly why: string | undefined;
}

function judge(address: Network, granted: readonly HostGrant[], own: readonly Network[]): Judged {
  const answers = granted.map((grant) => ({ grant, why: addressRefusal(grant, address, own) }));
  const openings = answers
    .filter(({ why }) => why === undefined)
    .map(({ grant: { protocol, ports } }) => ({ address, protocol, ports }));
  return { address, openings, why: openings.length > 0 ? undefined : answers[0]?.why };
}
