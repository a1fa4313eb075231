/** Signatures and attestations of images that Ward makes, and where they are kept in an OCI layout: under cosign's tags. */
import { readFile } from 'node:fs/promises';
import {
  type Artifact,
  type ArtifactLayer,
  attestationManifest,
  companionTag,
  predicateTypes,
  readSigningKey,
  type SigningKey,
  sealStatement,
  signManifest,
  verifySignatures,
} from '../gate/index.ts';
import {
  type Digest,
  type FunctionImage,
  openBlobStore,
  parseDigest,
  readImage,
  readIndex,
  refNameOf,
  tagManifest,
} from '../images/index.ts';
import { messageOf } from '../lib/index.ts';
import { serverFault } from './faults.ts';
import { type ProvenanceStatement, unsigned } from './image-build-provenance.ts';

/** A private key that signs, and what opens it. */
export interface KeyFile {
  readonly path: string;
  readonly passphrase: string;
}

const longestKey = 64 * 1024;

/** @throws Fault FLAG_INVALID when it can't be read, KEY_INVALID, KEY_LOCKED */
export async function openKey({ path, passphrase }: KeyFile): Promise<SigningKey> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (cause) {
    throw serverFault('FLAG_INVALID', `the key ${path} can't be read: ${messageOf(cause)}`, { cause });
  }
  return readSigningKey(pem.slice(0, longestKey), passphrase);
}

/** A signature of the image, and a signed statement of how it was built. */
export function companionsOf(signed: {
  readonly name: string;
  readonly image: FunctionImage;
  readonly provenance: ProvenanceStatement;
  readonly key: SigningKey;
}): readonly Artifact[] {
  const { name, image, provenance, key } = signed;
  const envelope = sealStatement(unsigned(provenance, { name, image }), key);
  return [
    signManifest({ digest: image.digest, reference: name, annotations: {} }, key),
    attestationManifest(image.digest, envelope, predicateTypes.provenance),
  ];
}

/**
 * Signs the image of this digest in the layout in `dir`, unless it bears a signature by the key already. What others
 * signed stays. Returns whether it was signed now.
 */
export async function signInLayout(
  dir: string,
  name: string,
  digest: Digest,
  key: SigningKey,
): Promise<boolean> {
  const earlier = await companionLayers(dir, digest);
  if (verifySignatures(digest, earlier, [key]).verified.length > 0) return false;
  const kept = earlier.map(({ mediaType, content, annotations, digest: of }) => ({
    ...{ mediaType, digest: of, size: content.length, annotations },
  }));
  await putArtifact(dir, signManifest({ digest, reference: name, annotations: {} }, key, kept));
  return true;
}

/** Stores it under its tag. */
export async function putArtifact(dir: string, { blobs, manifest, tag }: Artifact): Promise<void> {
  const store = openBlobStore(dir);
  for (const { content } of [...blobs, manifest]) await store.put(content);
  const { mediaType, digest, content } = manifest;
  if (tag !== undefined) await tagManifest(dir, { mediaType, digest, size: content.length }, [tag]);
}

async function companionLayers(
  dir: string,
  image: Digest,
): Promise<readonly (ArtifactLayer & { readonly digest: Digest })[]> {
  const tag = companionTag(image, 'sig');
  const entry = (await readIndex(dir))?.manifests.find((each) => refNameOf(each) === tag);
  if (entry === undefined) return [];
  const { manifest } = await readImage(dir, entry);
  const store = openBlobStore(dir);
  return Promise.all(
    manifest.layers.map(async ({ mediaType, digest, annotations }) => ({
      mediaType,
      digest: parseDigest(digest),
      content: await store.get(parseDigest(digest)),
      annotations: annotations ?? {},
    })),
  );
}
