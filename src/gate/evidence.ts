/** Gathers what is known about an image besides its content: who signed it, which bases it may stand on, and VEX. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest } from '../blobs/index.ts';
import { type Log, messageOf } from '../lib/index.ts';
import type { Report } from '../scanner/index.ts';
import type { KnownBase } from './judge/bases.ts';
import type { KnownAttestation } from './judge/signers.ts';
import type { Policy } from './policy/policy.ts';
import { signerName } from './policy/signer-names.ts';
import type { Subject } from './store/types.ts';
import { type EvidenceCheck, type VerifiedAttestation, verifyEvidence } from './trust/evidence-layers.ts';
import type { ArtifactLayer } from './trust/oci-documents.ts';
import { provenanceOf } from './trust/provenance.ts';
import type { VerifiedSignature } from './trust/signatures.ts';
import type { TrustAnchors } from './trust/signer.ts';
import type { TrustedVex, VexStatement } from './vex/statement.ts';
import { applyVex, attestedStatements } from './vex/vex.ts';

/** Bases that a policy trusts for any namespace or stage, besides those that Ward built. */
export interface WantedBases extends TrustAnchors {
  readonly digests: readonly Digest[];
}

export interface EvidenceSources {
  /** Returns the layers of companion manifests that hold an image's signatures and attestations (`isEvidence`). */
  readonly companions: (digest: Digest) => Promise<readonly ArtifactLayer[]>;
  /** Returns the indexes that list the image by its digest: a signature of an index covers the images in it. */
  readonly indexesOf?: (digest: Digest) => Promise<readonly Digest[]>;
  /** Tells whether the image is stored where its companions would be. Absent: every image is. */
  readonly holds?: (digest: Digest) => Promise<boolean>;
  /** Returns the bases, Ward's own and the wanted ones, that an image with these layers may stand on. */
  readonly bases: (wanted: WantedBases, layers: readonly Digest[]) => Promise<readonly KnownBase[]>;
  readonly vex: () => Promise<TrustedVex>;
  readonly log: Log;
}

export interface Evidence {
  /** Undefined when the image is not stored here: then its signatures aren't, either. */
  readonly signatures: readonly VerifiedSignature[] | undefined;
  readonly attestations: readonly KnownAttestation[] | undefined;
  readonly bases: readonly KnownBase[];
}

/** A report with VEX applied to it, and the evidence beside it. */
export interface Weighed {
  readonly evidence: Evidence;
  readonly report: Report | undefined;
  readonly vexRevision: string;
}

/** Treats unreadable evidence as missing, so the rules that need it refuse. */
export async function weigh(
  sources: EvidenceSources,
  { kind, digest }: { readonly kind: Subject['kind']; readonly digest: Digest | undefined },
  policy: Policy,
  report: Report | undefined,
): Promise<Weighed> {
  const vex = await operatorsVex(sources);
  const isImage = kind === 'image';
  const image = isImage && digest !== undefined && (await isHeld(sources, digest)) ? digest : undefined;
  const layers =
    image === undefined ? [] : await orNone(sources.log, 'signatures', () => sources.companions(image));
  const diffIds = report?.inventory.layers.map(({ diffId }) => diffId) ?? [];
  const bases = () => sources.bases(wantedBases(policy), diffIds);
  const checked = image === undefined ? undefined : await verifyInTurns(image, layers, policy);
  const ofIndexes = image === undefined ? [] : await signaturesOfIndexes(sources, image, policy);
  const attested = attestedVex(checked?.attestations ?? [], policy, digest, sources.log);
  const statements = attested.length === 0 ? vex.statements : [...vex.statements, ...attested];
  return {
    evidence: {
      signatures: isImage ? checked && [...checked.signatures, ...ofIndexes] : [],
      attestations: isImage ? checked?.attestations.map(knownOf) : [],
      bases: isImage ? await orNone(sources.log, 'trusted bases', bases) : [],
    },
    report: report === undefined ? undefined : applyVex(report, statements),
    vexRevision: vex.revision,
  };
}

/** Assumes after an error that the image is here: its companions can't be read either, so they count for nothing. */
async function isHeld({ holds, log }: EvidenceSources, digest: Digest): Promise<boolean> {
  try {
    return (await holds?.(digest)) ?? true;
  } catch (error) {
    log.error({ digest, reason: messageOf(error) }, 'could not tell whether an image is stored');
    return true;
  }
}

/** Returns no statements when VEX can't be read, so it suppresses nothing. */
async function operatorsVex({ vex, log }: EvidenceSources): Promise<TrustedVex> {
  try {
    return await vex();
  } catch (error) {
    log.error({ reason: messageOf(error) }, 'VEX documents could not be read');
    return { revision: '', statements: [] };
  }
}

/** Takes only signatures: an attestation about an index says nothing about each image in it. */
async function signaturesOfIndexes(
  { indexesOf, companions, log }: EvidenceSources,
  image: Digest,
  policy: Policy,
): Promise<readonly VerifiedSignature[]> {
  const indexes = await orNone(log, 'indexes', async () => (await indexesOf?.(image)) ?? []);
  const found: VerifiedSignature[] = [];
  for (const index of indexes) {
    const layers = await orNone(log, 'signatures', () => companions(index));
    found.push(...(await verifyInTurns(index, layers, policy)).signatures);
  }
  return found;
}

/** Yields between layers: each certificate takes milliseconds, while other requests wait. */
export async function verifyInTurns(
  image: Digest,
  layers: readonly ArtifactLayer[],
  anchors: TrustAnchors,
): Promise<Pick<EvidenceCheck, 'signatures' | 'attestations'>> {
  const checks: EvidenceCheck[] = [];
  for (const layer of layers) {
    if (checks.length > 0) await nextTurn();
    checks.push(verifyEvidence(image, [layer], anchors));
  }
  return {
    signatures: checks.flatMap(({ signatures }) => signatures),
    attestations: checks.flatMap(({ attestations }) => attestations),
  };
}

function knownOf({ predicate, ...attestation }: VerifiedAttestation): KnownAttestation {
  return { ...attestation, provenance: provenanceOf(attestation.predicateType, predicate) };
}

/** Returns the VEX statements that a signer named in the policy attested. */
function attestedVex(
  attestations: readonly VerifiedAttestation[],
  policy: Policy,
  digest: Digest | undefined,
  log: Log,
): readonly VexStatement[] {
  return attestations.flatMap((attestation) => {
    if (signerName(policy, attestation) === undefined) return [];
    try {
      return attestedStatements(attestation);
    } catch (error) {
      log.warn({ digest, reason: messageOf(error) }, 'an attestation could not be read');
      return [];
    }
  });
}

export function wantedBases(policy: Policy): WantedBases {
  const known = wanted.get(policy);
  if (known !== undefined) return known;
  const bases = policy.layers.flatMap(({ rules }) => rules.bases ?? []);
  const names = new Set(bases.flatMap(({ keys = [] }) => keys));
  const found = {
    digests: [...new Set(bases.flatMap(({ digests = [] }) => digests))],
    keys: policy.keys.filter(({ name }) => names.has(name)),
    roots: bases.some(({ identities = [] }) => identities.length > 0) ? policy.roots : [],
  };
  wanted.set(policy, found);
  return found;
}

const wanted = new WeakMap<Policy, WantedBases>();

async function orNone<T>(log: Log, what: string, read: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await read();
  } catch (error) {
    log.error({ reason: messageOf(error) }, `${what} could not be read`);
    return [];
  }
}
