/** `ward image sign`, `verify`, `keygen`: by hand what the gate asks for, in cosign's format. */
import { open } from 'node:fs/promises';
import {
  generateKeyPair,
  readTrustedKey,
  type SignatureCheck,
  signManifest,
  verifySignatures,
} from '../gate/index.ts';
import type { Digest } from '../images/index.ts';
import { errnoOf, messageOf } from '../lib/index.ts';
import { loadConfig } from './config.ts';
import { serverFault } from './faults.ts';
import type { PushTarget } from './image-build-push.ts';
import { type KeyFile, openKey } from './image-build-trust.ts';
import { findPlace } from './image-places.ts';

export interface SignatureRequest {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly image: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Asked for when the image is in the registry. */
  readonly registry: () => Promise<Omit<PushTarget, 'namespace'>>;
}

export interface Signed {
  readonly name: string;
  readonly digest: Digest;
  readonly keyId: string;
  /** False: the key had signed it so before. */
  readonly isNew: boolean;
}

export interface Verified extends SignatureCheck {
  readonly name: string;
  readonly digest: Digest;
}

/** Signatures of others stay. @throws Fault KEY_INVALID, KEY_LOCKED, FLAG_INVALID, and those of `findPlace` */
export async function signByHand(request: SignatureRequest & { readonly key: KeyFile }): Promise<Signed> {
  const { imagesDir } = await loadConfig(request);
  const key = await openKey(request.key);
  const place = await findPlace(request.image, imagesDir, request.registry);
  const { name, digest } = place;
  const earlier = await place.signatures();
  const before = withAnnotations(verifySignatures(digest, earlier, [key]), request.annotations);
  const done = { name, digest, keyId: key.id };
  if (before.verified.length > 0) return { ...done, isNew: false };
  const kept = earlier.map(({ content: _content, ...descriptor }) => descriptor);
  await place.put(signManifest({ digest, reference: name, annotations: request.annotations }, key, kept));
  return { ...done, isNew: true };
}

/**
 * Which signatures of the image are by one of the keys, and say all of the annotations.
 * @param request.keys public keys in PEM
 * @throws Fault KEY_INVALID, and those of `findPlace`
 */
export async function verifyByHand(
  request: SignatureRequest & { readonly keys: readonly string[] },
): Promise<Verified> {
  const { imagesDir } = await loadConfig(request);
  const keys = request.keys.map(readTrustedKey);
  const { name, digest, signatures } = await findPlace(request.image, imagesDir, request.registry);
  const check = withAnnotations(verifySignatures(digest, await signatures(), keys), request.annotations);
  return { name, digest, ...check };
}

/**
 * Makes a pair of keys; files that are there already stay as they are.
 * @param path of the private half; the public one ends in `.pub`
 * @throws Fault KEY_INVALID when the passphrase is empty, FLAG_INVALID when a file is there or can't be written
 */
export async function makeKeyPair(path: string, passphrase: string): Promise<{ readonly keyId: string }> {
  const { privateKey, publicKey } = generateKeyPair(passphrase);
  await writeNew(path, privateKey, 0o600);
  await writeNew(`${path}.pub`, publicKey, 0o644);
  return { keyId: readTrustedKey(publicKey).id };
}

function withAnnotations(check: SignatureCheck, wanted: Readonly<Record<string, string>>): SignatureCheck {
  const hasAll = (annotations: Readonly<Record<string, string>>) =>
    Object.entries(wanted).every(
      ([key, value]) => Object.hasOwn(annotations, key) && annotations[key] === value,
    );
  const others = check.verified.filter(({ annotations }) => !hasAll(annotations));
  return {
    verified: check.verified.filter(({ annotations }) => hasAll(annotations)),
    rejected: [...check.rejected, ...others.map(() => ({ reason: 'it does not say what was asked for' }))],
  };
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
