/** Creates signatures and attestations of images, and stores them in an OCI layout under cosign's tags. */
import { readFile } from 'node:fs/promises';
import { type Digest, openBlobStore, parseDigest } from '../../blobs/index.ts';
import {
  type Artifact,
  attestationManifest,
  companionTag,
  type Descriptor,
  layersOf,
  readSigningKey,
  type SealedStatement,
  type SigningKey,
  sealStatement,
  signManifest,
  verifySignatures,
} from '../../gate/index.ts';
import { type FunctionImage, readIndex, refNameOf, tagManifest } from '../../images/index.ts';
import { messageOf } from '../../lib/index.ts';
import type { Report } from '../../scanner/index.ts';
import { serverFault } from '../faults.ts';
import { scanStatements } from '../scan/statements.ts';
import { type ProvenanceStatement, unsigned } from './provenance.ts';

/** A private key for signing, and its passphrase. */
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

/** The signed statements about an image: the image itself, how it was built and, if it was scanned, its content. */
export interface ImageCompanions {
  readonly name: string;
  readonly digest: Digest;
  readonly statements: readonly SealedStatement[];
  readonly key: SigningKey;
}

export function companionsOf(signed: {
  readonly name: string;
  readonly image: FunctionImage;
  readonly provenance: ProvenanceStatement;
  readonly report: Report | undefined;
  readonly key: SigningKey;
}): ImageCompanions {
  const { name, image, provenance, report, key } = signed;
  const { digest } = image;
  const statements = [
    unsigned(provenance, { name, image }),
    ...(report === undefined ? [] : scanStatements(report, { name, digest })),
  ];
  return {
    ...{ name, digest, key },
    statements: statements.map((statement) => ({
      envelope: sealStatement(statement, key),
      predicateType: statement.predicateType,
    })),
  };
}

/** A store of companions under their tags. */
export interface CompanionPlace {
  /** Layers of the manifest with a tag; empty when the tag does not exist. */
  layers(tag: string): Promise<readonly Descriptor[]>;
  content(digest: Digest): Promise<Buffer>;
  put(artifact: Artifact): Promise<void>;
}

/** Keeps layers of other signers, and other statements of the same key. */
export async function putCompanions(place: CompanionPlace, companions: ImageCompanions): Promise<void> {
  const { name, digest, statements, key } = companions;
  await sign(place, name, digest, key);
  const earlier = await place.layers(companionTag(digest, 'att'));
  const types = new Set(statements.map(({ predicateType }) => predicateType));
  const kept = earlier.filter(
    ({ annotations = {} }) =>
      annotations[signerAnnotation] !== key.id || !types.has(annotations['predicateType'] ?? ''),
  );
  await place.put(attestationManifest(digest, statements, { [signerAnnotation]: key.id }, kept));
}

/** Marks a statement that a later one of the same signer replaces. Not used for trust. */
const signerAnnotation = 'ward.signer';

/**
 * Signs the image of this digest in the layout in `dir`, unless the key has signed it already. Other signatures stay.
 * Returns whether it was signed now.
 */
export function signInLayout(dir: string, name: string, digest: Digest, key: SigningKey): Promise<boolean> {
  return sign(layoutCompanions(dir), name, digest, key);
}

async function sign(place: CompanionPlace, name: string, digest: Digest, key: SigningKey): Promise<boolean> {
  const earlier = await place.layers(companionTag(digest, 'sig'));
  const read = await Promise.all(
    earlier.map(async ({ mediaType, digest: of, size, annotations = {} }) => {
      const content = size <= longestSignature ? await place.content(of) : Buffer.alloc(0);
      return { mediaType, annotations, content };
    }),
  );
  if (verifySignatures(digest, read, [key]).verified.length > 0) return false;
  await place.put(signManifest({ digest, reference: name, annotations: {} }, key, earlier));
  return true;
}

/** A payload has at most 64 KiB. */
const longestSignature = 1024 * 1024;

/** The companions of an OCI layout. */
export function layoutCompanions(dir: string): CompanionPlace {
  const blobs = openBlobStore(dir);
  return {
    async layers(tag) {
      const entry = (await readIndex(dir))?.manifests.find((each) => refNameOf(each) === tag);
      return entry === undefined ? [] : layersOf(await blobs.get(parseDigest(entry.digest)));
    },
    content: (digest) => blobs.get(digest),
    put: (artifact) => putArtifact(dir, artifact),
  };
}

/** Stores a companion under its tag. */
export async function putArtifact(dir: string, { blobs, manifest, tag }: Artifact): Promise<void> {
  const store = openBlobStore(dir);
  for (const { content } of [...blobs, manifest]) await store.put(content);
  const { mediaType, digest, content } = manifest;
  if (tag !== undefined) await tagManifest(dir, { mediaType, digest, size: content.length }, [tag]);
}
