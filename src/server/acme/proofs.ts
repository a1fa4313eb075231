/**
 * What an authority wants to see at the moment. It may ask any server, also one that did not order. Others can ask as
 * often as they like, so the database is read a few times a second at most.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyPair } from '../tls/key-pair.ts';
import type { KeptAcme, Proof } from './kept.ts';

export interface Proofs {
  /** The word that the authority asks for; undefined when there is none. */
  wordOf(token: string): Promise<string | undefined>;
  /** The certificate that the authority asks for; undefined when it does not. */
  proofOf(name: string): Promise<KeyPair | undefined>;
}

/** What one authority asks for, by the way it asks. */
export const wordName = (token: string) => `http-01 ${token}`;
export const proofName = (name: string) => `tls-alpn-01 ${name}`;

const betweenReadsMs = 200;
/** RFC 8555, section 8.1: base64url of at least 128 bits. */
const tokenPattern = /^[A-Za-z0-9_-]{16,256}$/;

export function createProofs(kept: Pick<KeptAcme, 'proofs'>): Proofs {
  let readAt = Number.NEGATIVE_INFINITY;
  let next: Promise<ReadonlyMap<string, Proof>> | undefined;
  /** A read that begins after this call. Those who wait for one share it. */
  const read = async () => {
    await sleep(Math.max(0, readAt + betweenReadsMs - performance.now()), undefined, { ref: false });
    next = undefined;
    readAt = performance.now();
    return kept.proofs();
  };
  const find = async (name: string) => {
    next ??= read();
    // Without the database nobody can prove anything; the authority asks again.
    return (await next.catch(() => undefined))?.get(name);
  };
  return {
    async wordOf(token) {
      const proof = tokenPattern.test(token) ? await find(wordName(token)) : undefined;
      return proof !== undefined && 'word' in proof ? proof.word : undefined;
    },
    async proofOf(name) {
      const proof = await find(proofName(name));
      return proof !== undefined && 'cert' in proof ? proof : undefined;
    },
  };
}
