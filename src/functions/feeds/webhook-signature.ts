/**
 * Signatures of webhook requests: HMAC-SHA256 over the body as it was sent, with a secret that both sides know.
 *
 * `ward`: `X-Ward-Signature: t=SECONDS,v1=HEX` over `SECONDS.BODY`, so an intercepted request is useless after five
 * minutes. `github`: `X-Hub-Signature-256: sha256=HEX` over the body, which never expires. A webhook accepts only one
 * scheme, because what is signed for one could be replayed as a body of the other.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { functionFault } from '../faults.ts';

export const signatureSchemes = ['none', 'ward', 'github'] as const;
export type SignatureScheme = (typeof signatureSchemes)[number];

export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const windowSeconds = 300;

/**
 * @param headers names in lower case
 * @param now epoch milliseconds
 * @throws Fault SIGNATURE_INVALID
 */
export function verifySignature(
  scheme: Exclude<SignatureScheme, 'none'>,
  secret: string,
  headers: RequestHeaders,
  body: Uint8Array,
  now: number,
): void {
  if (!verifiers[scheme](secret, headers, body, now)) {
    throw functionFault('SIGNATURE_INVALID', 'The signature of the request is missing, wrong or too old.');
  }
}

const verifiers = {
  ward(secret: string, headers: RequestHeaders, body: Uint8Array, now: number): boolean {
    const [, seconds, signature] = match(headers['x-ward-signature'], /^t=(\d{1,12}),v1=([0-9a-f]{64})$/i);
    if (seconds === undefined || signature === undefined) return false;
    const isRecent = Math.abs(now / 1000 - Number(seconds)) <= windowSeconds;
    return isSigned(secret, [Buffer.from(`${seconds}.`), body], signature) && isRecent;
  },
  github(secret: string, headers: RequestHeaders, body: Uint8Array): boolean {
    const [, signature] = match(headers['x-hub-signature-256'], /^sha256=([0-9a-f]{64})$/i);
    return signature !== undefined && isSigned(secret, [body], signature);
  },
} as const;

function isSigned(secret: string, parts: readonly Uint8Array[], signature: string): boolean {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(part);
  return timingSafeEqual(hmac.digest(), Buffer.from(signature, 'hex'));
}

function match(header: RequestHeaders[string], pattern: RegExp): readonly (string | undefined)[] {
  return typeof header === 'string' ? (pattern.exec(header.trim()) ?? []) : [];
}
