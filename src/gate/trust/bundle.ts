/**
 * Sigstore's bundles, version 0.3: a statement in a DSSE envelope, with the material that verifies its signature. cosign
 * attaches them to images as referrers. Sigstore's own library verifies signatures, without any network.
 * Source: sigstore/protobuf-specs, protos/sigstore_bundle.proto; sigstore/cosign, specs/BUNDLE_SPEC.md.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import type { Bundle } from '@sigstore/bundle';
import type { SignedEntity, TrustMaterial, Verifier } from '@sigstore/verify';
import { z } from 'zod';
import { messageOf } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';
import { parseJsonDocument } from '../json-document.ts';
import { plainText } from '../plain-text.ts';
import { envelopeOf } from './envelope.ts';
import type { SigningKey, TrustedKey } from './keys.ts';
import type { Certified, Signer, TrustAnchors } from './signer.ts';
import { sigstoreBundle, sigstoreVerify } from './sigstore-libraries.ts';
import type { TrustedRoot } from './trusted-root.ts';

export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
/** Includes the name of the version from before it had a type of its own. */
export const bundleMediaTypes: ReadonlySet<string> = new Set([
  bundleMediaType,
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
]);

/** A bundle whose signature holds. */
export interface OpenedBundle {
  readonly signer: Signer;
  readonly payloadType: string;
  readonly payload: Buffer;
}

const limits = { maxBytes: 16 * 1024 * 1024, maxDepth: 16 } as const;
/** For logs and for times; each entry costs a verification. */
export const mostLogEntries = 4;
/** Signatures under a checkpoint: its log's and its witnesses'. The library tries all that may be the log's. */
const mostSignatures = 16;
const codeSigning = '1.3.6.1.5.5.7.3.3';
/** Extensions of certificates that name the issuer: sigstore/fulcio, docs/oid-info.md. */
const issuerExtensions: ReadonlySet<string> = new Set(['1.3.6.1.4.1.57264.1.1', '1.3.6.1.4.1.57264.1.8']);

/** A number of 64 bits; sigstore's library has no limit, and takes long for long ones. */
const number = z.union([z.string().max(20), z.number()]).nullish();
const checkpoint = z
  .string()
  .max(4096)
  .refine((text) => text.split('\u2014').length <= mostSignatures + 1, 'too many signatures');
const logEntry = z.looseObject({
  logIndex: number,
  integratedTime: number,
  canonicalizedBody: z
    .string()
    .max(256 * 1024)
    .nullish(),
  inclusionProof: z
    .looseObject({
      logIndex: number,
      treeSize: number,
      hashes: z.array(z.string().max(128)).max(64).nullish(),
      checkpoint: z.looseObject({ envelope: checkpoint }).nullish(),
    })
    .nullish(),
});
const binary = z.string().max(32 * 1024);
const bundleSchema = z.looseObject({
  mediaType: z.string().refine((type) => bundleMediaTypes.has(type), 'not that of a bundle 0.3'),
  verificationMaterial: z.looseObject({
    certificate: z.looseObject({ rawBytes: binary }).nullish(),
    tlogEntries: z.array(logEntry).max(mostLogEntries).nullish(),
    timestampVerificationData: z
      .looseObject({
        rfc3161Timestamps: z
          .array(z.looseObject({ signedTimestamp: binary }))
          .max(mostLogEntries)
          .nullish(),
      })
      .nullish(),
  }),
});

/**
 * Opens a bundle if one of the anchors vouches for it; otherwise returns the reason. A key from the policy needs nothing
 * beside it. A certificate needs everything that its root knows: a log of certificates, a log of signatures, and always a
 * signed time.
 * @throws Fault SIGNATURE_MALFORMED
 */
export function openBundle(
  content: Uint8Array,
  { keys, roots }: TrustAnchors,
): OpenedBundle | { readonly reason: string } {
  const { bundle, entity } = parseBundle(content);
  const { content: signed, verificationMaterial } = bundle;
  if (signed.$case !== 'dsseEnvelope') return { reason: 'it signs a file, not a statement about an image' };
  const signer =
    verificationMaterial.content.$case === 'publicKey'
      ? signerByKey(entity, keys, roots)
      : signerByCertificate(bundle, entity, roots);
  if ('reason' in signer) return signer;
  const { payloadType, payload } = signed.dsseEnvelope;
  return { signer, payloadType, payload };
}

/** @returns the text of a bundle, as `cosign sign --key` makes it */
export function sealBundle(payloadType: string, payload: Uint8Array, key: SigningKey): Buffer {
  const hint = Buffer.from(key.id, 'hex').toString('base64');
  const document = {
    mediaType: bundleMediaType,
    verificationMaterial: { publicKey: { hint } },
    dsseEnvelope: envelopeOf(payloadType, payload, key),
  };
  return Buffer.from(JSON.stringify(document));
}

function parseBundle(content: Uint8Array): { readonly bundle: Bundle; readonly entity: SignedEntity } {
  const refuse = (what: string) => gateFault('SIGNATURE_MALFORMED', `a bundle: ${plainText(what, 300)}`);
  const document = parseJsonDocument(bundleSchema, content, limits, refuse);
  try {
    const bundle = sigstoreBundle().bundleFromJSON(document);
    return { bundle, entity: sigstoreVerify().toSignedEntity(bundle) };
  } catch (cause) {
    // On strange bytes the library throws errors of any type.
    throw refuse(messageOf(cause));
  }
}

function signerByKey(
  entity: SignedEntity,
  keys: readonly TrustedKey[],
  roots: readonly TrustedRoot[],
): Signer | { readonly reason: string } {
  const bare = { ...entity, tlogEntries: [], timestamps: [] };
  const key = keys.find((each) => problemOf(bare, materialOf(each), nothing) === undefined);
  if (key === undefined) return { reason: 'none of the keys made it' };
  const logged = { ...entity, timestamps: [] };
  const isLogged = roots.some(
    ({ material }) =>
      problemOf(logged, { ...materialOf(key), tlogs: material.tlogs }, { ...nothing, tlogThreshold: 1 }) ===
      undefined,
  );
  return { keyId: key.id, logEntries: isLogged ? entity.tlogEntries.length : 0 };
}

const nothing = { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 } as const;

function materialOf({ publicKey }: TrustedKey): TrustMaterial {
  const key = { publicKey: createPublicKey(publicKey), validFor: () => true };
  return {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey: () => key,
  };
}

function signerByCertificate(
  bundle: Bundle,
  entity: SignedEntity,
  roots: readonly TrustedRoot[],
): Signer | { readonly reason: string } {
  if (roots.length === 0) return { reason: 'a certificate made it, and the policy has no trusted root' };
  const answers = roots.map(({ name, material }) => ({
    name,
    identity: identityBy(bundle, entity, material),
  }));
  const problems: string[] = [];
  let certified: Certified | undefined;
  for (const { name, identity } of answers) {
    if ('reason' in identity) problems.push(identity.reason);
    else certified = { ...identity, roots: [...(certified?.roots ?? []), name] };
  }
  if (certified !== undefined) return { certified, logEntries: entity.tlogEntries.length };
  return { reason: `no trusted root vouches for its certificate: ${problems.join('; ')}` };
}

function identityBy(
  bundle: Bundle,
  entity: SignedEntity,
  material: TrustMaterial,
): Omit<Certified, 'roots'> | { readonly reason: string } {
  const verifier = new (sigstoreVerify().Verifier)(material, {
    ctlogThreshold: Math.min(1, material.ctlogs.length),
    tlogThreshold: Math.min(1, material.tlogs.length),
    timestampThreshold: 1,
  });
  try {
    const { identity = {} } = verifier.verify(entity);
    const { subjectAlternativeName: subject, extensions, oids = [] } = identity;
    const issuer = extensions?.issuer;
    if (subject === undefined || issuer === undefined)
      return { reason: 'it does not name its subject and its issuer' };
    const spelt = oids.filter(({ oid }) => issuerExtensions.has(oid?.id.join('.') ?? ''));
    const isPlain = spelt.every(({ value }) => value.every((byte) => byte < 0x80));
    if (!isPlain || !isFor(bundle, subject))
      return { reason: 'it is not for exactly one name in ASCII characters' };
    return { issuer, subject };
  } catch (error) {
    return { reason: plainText(messageOf(error), 150) };
  }
}

/** The library takes the first name of several, and cuts characters to seven bits. */
function isFor({ verificationMaterial: { content } }: Bundle, subject: string): boolean {
  if (content.$case !== 'certificate') return false;
  const { subjectAltName, keyUsage } = new X509Certificate(content.certificate.rawBytes);
  const isOnly = subjectAltName === `URI:${subject}` || subjectAltName === `email:${subject}`;
  return isOnly && (keyUsage ?? []).includes(codeSigning);
}

/** Returns undefined for a valid signature. */
function problemOf(
  entity: SignedEntity,
  material: TrustMaterial,
  thresholds: ConstructorParameters<typeof Verifier>[1],
): string | undefined {
  try {
    new (sigstoreVerify().Verifier)(material, thresholds).verify(entity);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
