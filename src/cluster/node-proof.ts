/**
 * How a node shows in a single request over HTTP who it is: its certificate, the time, and a signature with its key
 * over both and over the request. A copy of the proof is worth only the same request, for a few minutes.
 */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { NodeIdentity } from './identity.ts';
import { signText } from './keys.ts';
import { certificateSchema, signatureSchema, timeSchema } from './messages.ts';

const nodeProofSchema = z.strictObject({
  certificate: certificateSchema,
  /** Epoch milliseconds, by the node's clock. */
  at: timeSchema,
  proof: signatureSchema,
});

type NodeProof = z.infer<typeof nodeProofSchema>;

/** A header can't be longer. */
const mostBytes = 8192;

/** @param request method and path: `GET /ward/v1/cluster/images` @returns the value of a header */
export function proofOf(identity: NodeIdentity, request: string, at: number = Date.now()): string {
  const { certificate, cluster, key } = identity;
  const { fingerprint256 } = new X509Certificate(certificate);
  const proof = signText(requestText(cluster, fingerprint256, at, request), key);
  return Buffer.from(JSON.stringify({ certificate, at, proof } satisfies NodeProof)).toString('base64url');
}

/** Undefined: it has another form. */
export function parseProof(header: string | undefined): NodeProof | undefined {
  if (header === undefined || header.length > mostBytes) return undefined;
  try {
    return nodeProofSchema.parse(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

/** No part has a line break, so no two requests have the same text. */
export function requestText(cluster: string, fingerprint: string, at: number, request: string): string {
  return ['ward request 1', cluster, fingerprint, String(at), request].join('\n');
}
