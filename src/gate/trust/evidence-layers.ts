/**
 * Verifies the companions of an image: signatures and attestations in cosign's older form (simple signing and envelopes under
 * tags) and in bundles of sigstore. Evidence counts if it is about exactly this image and an anchor vouches for its signer.
 */
import type { Digest } from '../../blobs/index.ts';
import { isFault, type JsonValue } from '../../lib/index.ts';
import { openStatement, parseStatement, predicateTypes, type Statement } from './attestations.ts';
import { bundleMediaTypes, openBundle } from './bundle.ts';
import { envelopeMediaType } from './envelope.ts';
import type { ArtifactLayer } from './oci-documents.ts';
import type { RejectedSignature, VerifiedSignature } from './signatures.ts';
import { simpleSigningMediaType, verifySignatures } from './signatures.ts';
import type { Signer, TrustAnchors } from './signer.ts';

/** A valid attestation. */
export interface VerifiedAttestation extends Signer {
  readonly predicateType: string;
  readonly predicate: JsonValue;
}

export interface EvidenceCheck {
  readonly signatures: readonly VerifiedSignature[];
  readonly attestations: readonly VerifiedAttestation[];
  readonly rejected: readonly RejectedSignature[];
}

type LayerEvidence = Partial<{ [Part in keyof EvidenceCheck]: EvidenceCheck[Part][number] }>;

/** Pure; never throws because of a layer's content. */
export function verifyEvidence(
  digest: Digest,
  layers: readonly ArtifactLayer[],
  anchors: TrustAnchors,
): EvidenceCheck {
  const answers = layers.flatMap((layer): LayerEvidence[] => {
    try {
      return answersTo(digest, layer, anchors);
    } catch (error) {
      if (isFault(error, 'SIGNATURE_MALFORMED')) return [{ rejected: { reason: error.message } }];
      throw error;
    }
  });
  return {
    signatures: answers.flatMap(({ signatures }) => signatures ?? []),
    attestations: answers.flatMap(({ attestations }) => attestations ?? []),
    rejected: answers.flatMap(({ rejected }) => rejected ?? []),
  };
}

function answersTo(digest: Digest, layer: ArtifactLayer, anchors: TrustAnchors): LayerEvidence[] {
  const { mediaType, content } = layer;
  if (mediaType === simpleSigningMediaType) {
    const { verified, rejected } = verifySignatures(digest, [layer], anchors.keys);
    return [
      ...verified.map((signatures) => ({ signatures })),
      ...rejected.map((each) => ({ rejected: each })),
    ];
  }
  if (mediaType === envelopeMediaType) {
    const opened = openStatement(content, anchors.keys);
    if (opened === undefined) return [{ rejected: { reason: 'none of the keys made it' } }];
    return [stated(digest, { keyId: opened.keyId, logEntries: 0 }, opened)];
  }
  if (!bundleMediaTypes.has(mediaType)) return [];
  const opened = openBundle(content, anchors);
  return 'reason' in opened
    ? [{ rejected: opened }]
    : [stated(digest, opened.signer, parseStatement(opened))];
}

function stated(
  digest: Digest,
  signer: Signer,
  { subjects, predicateType, predicate }: Statement,
): LayerEvidence {
  const subject = subjects.find((each) => each.digest === digest);
  if (subject === undefined) {
    const [other] = subjects;
    return {
      rejected: { reason: `it is about another image${other === undefined ? '' : `, ${other.digest}`}` },
    };
  }
  if (predicateType !== predicateTypes.signature)
    return { attestations: { ...signer, predicateType, predicate } };
  const { name: reference, annotations = {} } = subject;
  return { signatures: { ...signer, reference, annotations } };
}
