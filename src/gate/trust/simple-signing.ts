/**
 * The payload of an image signature: Red Hat's "simple signing" format, as cosign writes it. It names the manifest's digest,
 * so the signature can't be moved to another image.
 * Source: containers/image, docs/containers-signature.5.md; cosign, specs/SIGNATURE_SPEC.md.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { gateFault } from '../faults.ts';
import { parseJsonDocument } from '../json-document.ts';

export interface SignedImage {
  readonly digest: Digest;
  /** What the signer called it, with a registry's host or without. */
  readonly reference: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const payloadType = 'cosign container image signature';
const limits = { maxBytes: 64 * 1024, maxDepth: 8 } as const;

const payloadSchema = z.looseObject({
  critical: z.looseObject({
    identity: z.looseObject({ 'docker-reference': z.string() }),
    image: z.looseObject({ 'docker-manifest-digest': z.string().refine(isDigest, 'not a sha256 digest') }),
    type: z.literal(payloadType),
  }),
  optional: z.record(z.string(), z.unknown()).nullish(),
});

export function simpleSigningPayload({ digest, reference, annotations }: SignedImage): Buffer {
  const critical = {
    identity: { 'docker-reference': reference },
    image: { 'docker-manifest-digest': digest },
    type: payloadType,
  };
  const optional = Object.keys(annotations).length === 0 ? null : annotations;
  return Buffer.from(JSON.stringify({ critical, optional }));
}

/** @throws Fault SIGNATURE_MALFORMED */
export function parseSimpleSigning(payload: Uint8Array): SignedImage {
  const { critical, optional } = parseJsonDocument(payloadSchema, payload, limits, (what) =>
    gateFault('SIGNATURE_MALFORMED', `the payload of a signature: ${what}`),
  );
  return {
    digest: critical.image['docker-manifest-digest'],
    reference: critical.identity['docker-reference'],
    annotations: textsOf(optional ?? {}),
  };
}

/** Keeps the values that are strings. */
export function textsOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const texts = Object.entries(values).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts);
}
