/** Which of what lies beside an image the gate reads: signatures, and VEX in attestations. Anybody may put more there. */
import { type Digest, isDigest } from '../../images/index.ts';
import { predicateTypes } from './attestations.ts';
import { envelopeMediaType } from './envelope.ts';
import { simpleSigningMediaType } from './signatures.ts';

/** Suffixes of the tags beside an image under which it looks. */
export const companionSuffixes = ['sig', 'att'] as const;
/** Bytes, of all that is read for one image. */
export const mostEvidenceBytes = 8 * 1024 * 1024;

const longestSignature = 64 * 1024;
/** It is parsed in one go, for whoever attached it. */
const longestAttestation = 1024 * 1024;

interface Described {
  readonly mediaType: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>> | null | undefined;
}

/** By what is said of the layer: its content is not needed to leave it out. */
export function isEvidence({ mediaType, size, annotations }: Described): boolean {
  if (mediaType === simpleSigningMediaType) return size <= longestSignature;
  const predicate = annotations?.['predicateType'];
  const isVex = predicate?.startsWith(predicateTypes.openVex) ?? true;
  return mediaType === envelopeMediaType && isVex && size <= longestAttestation;
}

/** The image that a tag is made from, when it is one of those under which signatures lie. */
export function companionOf(tag: string): Digest | undefined {
  const [, hex, suffix] = /^sha256-([0-9a-f]{64})\.(\w+)$/.exec(tag) ?? [];
  const digest = `sha256:${hex}`;
  return companionSuffixes.some((each) => each === suffix) && isDigest(digest) ? digest : undefined;
}
