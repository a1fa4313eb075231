/**
 * Answers to one sandbox: only for names that it was granted, and only with addresses that are open to it by the time that
 * it reads them. `decision.ts` decides which addresses are opened.
 */
import { matchesPattern } from '../names.ts';
import type { Decide } from './decision.ts';
import {
  type AddressRecord,
  encodeAnswer,
  parseQuestion,
  type Question,
  type ResponseCode,
} from './messages.ts';
import type { Upstream } from './upstream.ts';

interface AnswererOptions {
  /** Host patterns of its rules. */
  readonly hosts: readonly string[];
  readonly upstream: Upstream;
  /** Whether this host has an address of IPv6 that leads somewhere, now. */
  readonly hasIpv6: () => boolean;
  readonly decide: Decide;
  /** Hears of each name that no rule allows. */
  readonly onRefusal: (name: string) => void;
}

export type Answerer = (message: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>;

/** Questions under way at once. */
const mostPending = 32;

interface Resolution {
  readonly code: ResponseCode;
  readonly records: readonly AddressRecord[];
}

const nothing: Resolution = { code: 'NOERROR', records: [] };
const unknown: Resolution = { code: 'NXDOMAIN', records: [] };
const failed: Resolution = { code: 'SERVFAIL', records: [] };

/** Never rejects; undefined is not an answer. */
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

async function outcomeOf({ name, asked, type }: Question, options: AnswererOptions): Promise<Resolution> {
  const isForAddress = type === 'A' || type === 'AAAA';
  if (name === undefined || !options.hosts.some((host) => matchesPattern(host, name))) {
    if (isForAddress) options.onRefusal(asked);
    return unknown;
  }
  // Texts of other kinds are of no use to a connection, and a way to carry data in and out.
  if (!isForAddress) return nothing;
  // The uplink has no way to addresses of a family that the host has none of: a program would wait for nothing.
  if (type === 'AAAA' && !options.hasIpv6()) return nothing;
  const found = await options.upstream.lookup(name, type === 'A' ? 4 : 6);
  if (found === 'unknown') return unknown;
  if (found === 'failed') return failed;
  const { addresses, ttlSeconds } = await options.decide(name, found);
  return { code: 'NOERROR', records: addresses.map((address) => ({ type, address, ttlSeconds })) };
}
