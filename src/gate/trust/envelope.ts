/**
 * DSSE: a statement in an envelope; the signature covers the statement and its type.
 * Source: secure-systems-lab/dsse, protocol.md and envelope.md.
 */
import { z } from 'zod';
import type { JsonObject } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import { type DocumentLimits, parseJsonDocument } from '../json-document.ts';
import type { SigningKey, TrustedKey } from './keys.ts';

export const envelopeMediaType = 'application/vnd.dsse.envelope.v1+json';

export interface OpenedEnvelope {
  readonly payloadType: string;
  readonly payload: Buffer;
  readonly keyId: string;
}

const limits: DocumentLimits = { maxBytes: 64 * 1024 * 1024, maxDepth: 8 };
const maxSignatures = 100;
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

const envelopeSchema = z.looseObject({
  payloadType: z.string().max(255),
  payload: z.string().regex(base64, 'not base64'),
  signatures: z
    .array(z.looseObject({ sig: z.string().max(4096).regex(base64, 'not base64') }))
    .max(maxSignatures),
});

export function sealEnvelope(payloadType: string, payload: Uint8Array, key: SigningKey): Buffer {
  return Buffer.from(JSON.stringify(envelopeOf(payloadType, payload, key)));
}

/** Makes the envelope as part of a larger document. */
export function envelopeOf(payloadType: string, payload: Uint8Array, key: SigningKey): JsonObject {
  const signature = key.sign(authenticated(payloadType, payload));
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: '', sig: signature.toString('base64') }],
  };
}

/**
 * Returns the payload if one of the keys made one of the signatures; otherwise undefined.
 * @throws Fault SIGNATURE_MALFORMED
 */
export function openEnvelope(bytes: Uint8Array, keys: readonly TrustedKey[]): OpenedEnvelope | undefined {
  const envelope = parseJsonDocument(envelopeSchema, bytes, limits, (what) =>
    gateFault('SIGNATURE_MALFORMED', `an envelope: ${what}`),
  );
  const payload = Buffer.from(envelope.payload, 'base64');
  const content = authenticated(envelope.payloadType, payload);
  for (const { sig } of envelope.signatures) {
    const signature = Buffer.from(sig, 'base64');
    const key = keys.find((each) => each.verify(content, signature));
    if (key !== undefined) return { payloadType: envelope.payloadType, payload, keyId: key.id };
  }
  return undefined;
}

/** DSSE's pre-authentication encoding. */
function authenticated(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType);
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ]);
}
