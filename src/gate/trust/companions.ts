/** Which of what lies beside an image the gate reads: signatures and attestations. Anybody may put more there. */
import { type Digest, isDigest } from '../../blobs/index.ts';
import { bundleMediaTypes } from './bundle.ts';
import { envelopeMediaType } from './envelope.ts';
import { simpleSigningMediaType } from './signatures.ts';

/** Suffixes of the tags beside an image under which it looks. */
export const companionSuffixes = ['sig', 'att'] as const;
/** Types of referrers that may be evidence: they are read before others. */
export const companionTypes: readonly string[] = [
  ...bundleMediaTypes,
  'application/vnd.dev.cosign.artifact.sig.v1+json',
  envelopeMediaType,
];
/** Layers that are read for one image; certificates take milliseconds each. */
export const mostEvidence = 128;
/** Bytes, of all that is read for one image. */
export const mostEvidenceBytes = 16 * 1024 * 1024;

const longestSignature = 64 * 1024;
/** It is parsed in one go, for whoever attached it. */
const longestAttestation = 8 * 1024 * 1024;

interface Described {
  readonly mediaType: string;
  readonly size: number;
}

/** By what is said of the layer: its content is not needed to leave it out. */
export function isEvidence({ mediaType, size }: Described): boolean {
  if (mediaType === simpleSigningMediaType) return size <= longestSignature;
  return (mediaType === envelopeMediaType || bundleMediaTypes.has(mediaType)) && size <= longestAttestation;
}

/** The image that a tag is made from, when it is one of those under which signatures lie. */
export function companionOf(tag: string): Digest | undefined {
  const [, hex, suffix] = /^sha256-([0-9a-f]{64})\.(\w+)$/.exec(tag) ?? [];
  const digest = `sha256:${hex}`;
  return companionSuffixes.some((each) => each === suffix) && isDigest(digest) ? digest : undefined;
}
