/**
 * Answers to one sandbox: only for names that it was granted, and only with addresses that are open to it before it
 * reads them. `decision.ts` decides which addresses are opened.
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
  /** Host patterns of the sandbox's rules. */
  readonly hosts: readonly string[];
  readonly upstream: Upstream;
  /** Whether this host has an IPv6 address with a route now. */
  readonly hasIpv6: () => boolean;
  readonly decide: Decide;
  /** Receives each name that no rule allows. */
  readonly onRefusal: (name: string) => void;
}

export type Answerer = (message: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>;

/** Most questions in progress at once. */
const mostPending = 32;

interface Resolution {
  readonly code: ResponseCode;
  readonly records: readonly AddressRecord[];
}

const nothing: Resolution = { code: 'NOERROR', records: [] };
const unknown: Resolution = { code: 'NXDOMAIN', records: [] };
const failed: Resolution = { code: 'SERVFAIL', records: [] };

/** Never rejects; resolves to undefined when there is no answer to send. */
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
  // Other record types are of no use for a connection, and could carry data in and out.
  if (!isForAddress) return nothing;
  // Without IPv6 on the host, an address would only make the program wait in vain.
  if (type === 'AAAA' && !options.hasIpv6()) return nothing;
  const found = await options.upstream.lookup(name, type === 'A' ? 4 : 6);
  if (found === 'unknown') return unknown;
  if (found === 'failed') return failed;
  const { addresses, ttlSeconds } = await options.decide(name, found);
  return { code: 'NOERROR', records: addresses.map((address) => ({ type, address, ttlSeconds })) };
}
