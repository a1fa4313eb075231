/**
 * Signatures of images in cosign's older format: a layer holds a simple-signing payload, and an annotation of the layer
 * holds the signature over its bytes.
 */

import type { Digest } from '../../blobs/index.ts';
import { isFault } from '../../lib/index.ts';
import type { SigningKey, TrustedKey } from './keys.ts';
import {
  type Artifact,
  type ArtifactLayer,
  companionManifest,
  companionTag,
  type Descriptor,
} from './oci-documents.ts';
import type { Signer } from './signer.ts';
import { parseSimpleSigning, type SignedImage, simpleSigningPayload } from './simple-signing.ts';

export const simpleSigningMediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const signatureAnnotation = 'dev.cosignproject.cosign/signature';

/** A valid signature. */
export interface VerifiedSignature extends Signer {
  /** What the signer called the image. */
  readonly reference: string;
  /** Annotations that the signer added. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A signature that does not count, and why. */
export interface RejectedSignature {
  readonly reason: string;
}

export interface SignatureCheck {
  readonly verified: readonly VerifiedSignature[];
  readonly rejected: readonly RejectedSignature[];
}

/**
 * Signs an image.
 * @param earlier layers that the signature's tag has already; their signatures stay
 * @returns what to push, under the tag `sha256-<hex>.sig`
 */
export function signManifest(
  image: SignedImage,
  key: SigningKey,
  earlier: readonly Descriptor[] = [],
): Artifact {
  const content = simpleSigningPayload(image);
  const annotations = { [signatureAnnotation]: key.sign(content).toString('base64') };
  const layer = { mediaType: simpleSigningMediaType, content, annotations };
  return companionManifest(companionTag(image.digest, 'sig'), [layer], earlier);
}

/**
 * Finds the signatures of this image by one of these keys. Pure; never throws because of a layer's content.
 * @param layers of the manifests that hold the image's signatures
 */
export function verifySignatures(
  digest: Digest,
  layers: readonly ArtifactLayer[],
  keys: readonly TrustedKey[],
): SignatureCheck {
  const verified: VerifiedSignature[] = [];
  const rejected: RejectedSignature[] = [];
  for (const layer of layers) {
    if (layer.mediaType !== simpleSigningMediaType) continue;
    const result = verifyLayer(digest, layer, keys);
    if ('reason' in result) rejected.push(result);
    else verified.push(result);
  }
  return { verified, rejected };
}

function verifyLayer(
  digest: Digest,
  { content, annotations }: ArtifactLayer,
  keys: readonly TrustedKey[],
): VerifiedSignature | RejectedSignature {
  const encoded = annotations[signatureAnnotation];
  if (encoded === undefined) return { reason: 'it has no signature' };
  const signature = Buffer.from(encoded, 'base64');
  const key = keys.find((each) => each.verify(content, signature));
  if (key === undefined) return { reason: 'none of the keys made it' };
  try {
    const image = parseSimpleSigning(content);
    if (image.digest !== digest) return { reason: `it is about another image, ${image.digest}` };
    return { keyId: key.id, logEntries: 0, reference: image.reference, annotations: image.annotations };
  } catch (error) {
    if (isFault(error, 'SIGNATURE_MALFORMED')) return { reason: error.message };
    throw error;
  }
}
