/** What is known of an image apart from what is in it: who signed it, and on which bases it may stand. */
import type { Digest } from '../images/index.ts';
import { type Log, messageOf } from '../lib/index.ts';
import type { KnownBase } from './judge/bases.ts';
import type { Policy } from './policy/policy.ts';
import type { Subject } from './store/gate-store.ts';
import type { ArtifactLayer } from './trust/oci-documents.ts';
import { type VerifiedSignature, verifySignatures } from './trust/signatures.ts';
import type { VexStatement } from './vex/statement.ts';

export interface EvidenceSources {
  /** Layers of the manifests that hold signatures of the image: its tag `sha256-<hex>.sig`, and referrers. */
  readonly signatures: (digest: Digest) => Promise<readonly ArtifactLayer[]>;
  readonly bases: () => Promise<readonly KnownBase[]>;
  /** VEX that is trusted: the operator's, or signed by an allowed key. */
  readonly vex: () => Promise<readonly VexStatement[]>;
  readonly log: Log;
}

export interface Evidence {
  readonly signatures: readonly VerifiedSignature[];
  readonly bases: readonly KnownBase[];
}

/** What can't be read is no evidence: the rules that need it say no. */
export async function collectEvidence(
  sources: EvidenceSources,
  { kind, digest }: Subject,
  policy: Policy,
): Promise<Evidence> {
  if (kind === 'code') return { signatures: [], bases: [] };
  const layers = await orNone(sources.log, 'signatures', () => sources.signatures(digest));
  return {
    signatures: verifySignatures(digest, layers, policy.keys).verified,
    bases: await orNone(sources.log, 'trusted bases', sources.bases),
  };
}

/** None when it can't be read: then nothing is suppressed. */
export function trustedVex({ vex, log }: EvidenceSources): Promise<readonly VexStatement[]> {
  return orNone(log, 'VEX documents', vex);
}

async function orNone<T>(log: Log, what: string, read: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await read();
  } catch (error) {
    log.error({ reason: messageOf(error) }, `${what} could not be read`);
    return [];
  }
}
