/** `ward image sign`, `verify`, `keygen`: signatures in cosign's format, made by hand for the gate. */
import { open } from 'node:fs/promises';
import type { Digest } from '../../blobs/index.ts';
import {
  generateKeyPair,
  readTrustedKey,
  readTrustedRoot,
  type SignatureCheck,
  signatureBundle,
  signManifest,
  type TrustedKey,
  type VerifiedSignature,
  verifyEvidence,
  verifySignatures,
} from '../../gate/index.ts';
import { errnoOf, matchesPattern, messageOf } from '../../lib/index.ts';
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { findPlace, type ImagePlace } from './places.ts';
import type { PushTarget } from './push.ts';
import { type KeyFile, openKey } from './trust.ts';

export interface SignatureRequest {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly image: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Called when the image is in the registry. */
  readonly registry: () => Promise<Omit<PushTarget, 'namespace'>>;
}

export interface Signed {
  readonly name: string;
  readonly digest: Digest;
  readonly keyId: string;
  /** False when the key had signed it before. */
  readonly isNew: boolean;
}

export interface Verified extends SignatureCheck {
  readonly name: string;
  readonly digest: Digest;
}

/** Keeps other signatures. @throws Fault KEY_INVALID, KEY_LOCKED, FLAG_INVALID, and those of `findPlace` */
export async function signByHand(request: SignatureRequest & { readonly key: KeyFile }): Promise<Signed> {
  const { imagesDir } = await loadConfig(request);
  const key = await openKey(request.key);
  const place = await findPlace(request.image, imagesDir, request.registry);
  const { name, digest } = place;
  const earlier = await place.signatures();
  const before = withAnnotations(verifySignatures(digest, earlier, [key]), request.annotations);
  const isTagged = before.verified.length > 0;
  const isBundled = await hasBundle(place, key, request.annotations);
  if (!isTagged) {
    const kept = earlier.map(({ content: _content, ...descriptor }) => descriptor);
    await place.put(signManifest({ digest, reference: name, annotations: request.annotations }, key, kept));
  }
  if (!isBundled && place.subject !== undefined) {
    const signed = { name, annotations: request.annotations };
    await place.put(signatureBundle(place.subject, signed, key, new Date().toISOString()));
  }
  return { name, digest, keyId: key.id, isNew: !isTagged || !isBundled };
}

/** Cosign 3 looks up tags only when no bundle exists. */
async function hasBundle(
  place: ImagePlace,
  key: TrustedKey,
  annotations: SignatureRequest['annotations'],
): Promise<boolean> {
  const bundles = await place.bundles();
  if (bundles.length === 0) return true;
  const { signatures } = verifyEvidence(place.digest, bundles, { keys: [key], roots: [] });
  return signatures.some((each) => hasAll(each.annotations, annotations));
}

/** An identity that signs with a certificate. */
export interface WantedIdentity {
  /** The text of a `trusted_root.json`. */
  readonly trustedRoot: string;
  readonly issuer: string;
  /** A pattern. */
  readonly subject: string;
}

/**
 * Finds the signatures of the image by one of the keys or by the identity, with all of the annotations.
 * @param request.keys public keys in PEM
 * @throws Fault KEY_INVALID, TRUSTED_ROOT_INVALID, and those of `findPlace`
 */
export async function verifyByHand(
  request: SignatureRequest & {
    readonly keys: readonly string[];
    readonly identity?: WantedIdentity | undefined;
  },
): Promise<Verified> {
  const { imagesDir } = await loadConfig(request);
  const { identity } = request;
  const keys = request.keys.map(readTrustedKey);
  const roots = identity === undefined ? [] : [readTrustedRoot('given', identity.trustedRoot)];
  const place = await findPlace(request.image, imagesDir, request.registry);
  const { name, digest } = place;
  const layers = [...(await place.signatures()), ...(await place.bundles())];
  const { signatures, rejected } = verifyEvidence(digest, layers, { keys, roots });
  const isWanted = ({ certified }: VerifiedSignature) =>
    certified === undefined ||
    (certified.issuer === identity?.issuer && matchesPattern(identity.subject, certified.subject));
  const others = signatures.filter((each) => !isWanted(each));
  const check = {
    verified: signatures.filter(isWanted),
    rejected: [
      ...rejected,
      ...others.map(({ certified }) => ({ reason: `it is by ${certified?.subject} (${certified?.issuer})` })),
    ],
  };
  return { name, digest, ...withAnnotations(check, request.annotations) };
}

/**
 * Creates a key pair; never overwrites existing files.
 * @param path of the private half; the public one ends in `.pub`
 * @throws Fault KEY_INVALID when the passphrase is empty, FLAG_INVALID when a file exists or can't be written
 */
export async function makeKeyPair(path: string, passphrase: string): Promise<{ readonly keyId: string }> {
  const { privateKey, publicKey } = generateKeyPair(passphrase);
  await writeNew(path, privateKey, 0o600);
  await writeNew(`${path}.pub`, publicKey, 0o644);
  return { keyId: readTrustedKey(publicKey).id };
}

function withAnnotations(check: SignatureCheck, wanted: Readonly<Record<string, string>>): SignatureCheck {
  const others = check.verified.filter(({ annotations }) => !hasAll(annotations, wanted));
  return {
    verified: check.verified.filter(({ annotations }) => hasAll(annotations, wanted)),
    rejected: [...check.rejected, ...others.map(() => ({ reason: 'it lacks the required annotations' }))],
  };
}

function hasAll(its: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(its, key) && its[key] === value);
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await using file = await open(path, 'wx', mode);
    await file.writeFile(text);
  } catch (cause) {
    const why = errnoOf(cause) === 'EEXIST' ? 'it exists' : messageOf(cause);
    throw serverFault('FLAG_INVALID', `${path} could not be written: ${why}`, { cause });
  }
}
