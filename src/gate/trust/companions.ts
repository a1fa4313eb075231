/** Selects the companions of an image that the gate reads: signatures and attestations. Anyone may attach more. */
import { type Digest, isDigest } from '../../blobs/index.ts';
import { bundleMediaTypes } from './bundle.ts';
import { envelopeMediaType } from './envelope.ts';
import { simpleSigningMediaType } from './signatures.ts';

/** Suffixes of companion tags that the gate reads. */
export const companionSuffixes = ['sig', 'att'] as const;
/** Types of referrers that may be evidence; the gate reads these before others. */
export const companionTypes: readonly string[] = [
  ...bundleMediaTypes,
  'application/vnd.dev.cosign.artifact.sig.v1+json',
  envelopeMediaType,
];
/** Most layers that the gate reads for one image; each certificate takes milliseconds. */
export const mostEvidence = 128;
/** Most bytes that the gate reads for one image. */
export const mostEvidenceBytes = 16 * 1024 * 1024;

const longestSignature = 64 * 1024;
/** The gate parses it in one go, and anyone may have attached it. */
const longestAttestation = 8 * 1024 * 1024;

interface Described {
  readonly mediaType: string;
  readonly size: number;
}

/** Decides by the descriptor, so the gate need not read the content to leave a layer out. */
export function isEvidence({ mediaType, size }: Described): boolean {
  if (mediaType === simpleSigningMediaType) return size <= longestSignature;
  return (mediaType === envelopeMediaType || bundleMediaTypes.has(mediaType)) && size <= longestAttestation;
}

/** Returns the image that a companion tag belongs to; undefined for any other tag. */
export function companionOf(tag: string): Digest | undefined {
  const [, hex, suffix] = /^sha256-([0-9a-f]{64})\.(\w+)$/.exec(tag) ?? [];
  const digest = `sha256:${hex}`;
  return companionSuffixes.some((each) => each === suffix) && isDigest(digest) ? digest : undefined;
}
