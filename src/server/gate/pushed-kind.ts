/**
 * Classifies a pushed manifest by its bytes: engines run everything with an image's configuration and unpackable
 * layers. The types that they declare do not matter: Docker takes `application/octet-stream` and `text/html`.
 * Everything else is an artifact: signatures, attestations, SBOMs, files. Source: Docker, distribution,
 * "defaultImageTypes".
 */
import { buffer } from 'node:stream/consumers';
import type { Digest } from '../../blobs/index.ts';
import {
  hasImageConfig,
  isManifestType,
  type ManifestDocument,
  type RegistryStore,
} from '../../content/index.ts';
import {
  type Descriptor,
  isLayerType,
  layerStartBytes,
  maxDocumentBytes,
  mayBeLayer,
} from '../../images/index.ts';
import { isFault } from '../../lib/index.ts';
import type { ArtifactSource } from '../../scanner/index.ts';

export type Blobs = Pick<RegistryStore, 'openBlob' | 'localBlob'>;

/**
 * Whether an engine, Ward's own or another, could make a root file system of it. Entries of an index are judged
 * separately.
 */
export async function isImage(document: ManifestDocument, blobs: Blobs): Promise<boolean> {
  const { isIndex, config, layers } = document;
  if (isIndex || config === undefined) return false;
  if (!hasImageConfig(document) && !(await looksLikeConfig(config, blobs))) return false;
  if (layers.length === 0) return true;
  // A manifest that declares an image is judged as one, even when no engine can unpack it.
  if (hasImageConfig(document) && layers.some(({ mediaType }) => isLayerType(mediaType))) return true;
  for (const { digest } of layers) if (await mayUnpack(digest, blobs)) return true;
  return false;
}

/** Undefined for an index: it has no bytes of its own, and its entries are judged separately. */
export function artifactOf(
  name: string,
  document: ManifestDocument,
  blobs: Blobs,
): ArtifactSource | undefined {
  const { digest, config, layers, manifests } = document;
  const listed = manifests.filter(({ mediaType }) => !isManifestType(mediaType));
  const parts = [...(config === undefined ? [] : [config]), ...layers, ...listed];
  if (parts.length === 0) return undefined;
  const each = new Map(parts.map((part) => [part.digest, part]));
  return {
    name,
    digest,
    blobs: [...each.values()].map((part) => ({
      digest: part.digest,
      size: part.size,
      title: part.annotations?.[titleAnnotation],
      open: () => blobs.openBlob(part.digest),
      localFile: () => blobs.localBlob(part.digest),
      // The registry has verified the digest already.
      isVerified: true,
    })),
  };
}

const titleAnnotation = 'org.opencontainers.image.title';

/**
 * A document that is too long to read counts as one. Go accepts a key twice, in any case and with escapes
 * (`DIFF_ID\u017f`), so this searches the text instead of a parsed document.
 */
async function looksLikeConfig({ digest, size }: Descriptor, { openBlob }: Blobs): Promise<boolean> {
  if (size > maxDocumentBytes) return true;
  const pieces: Buffer[] = [];
  for await (const piece of await openBlob(digest)) pieces.push(Buffer.from(piece));
  const text = Buffer.concat(pieces).toString();
  const plain = text.replace(/\\u([0-9a-f]{4})/gi, (_all, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return plain.replaceAll('\u017f', 's').toLowerCase().includes('"diff_ids"');
}

/** Layers that are stored elsewhere count as unpackable. */
async function mayUnpack(digest: Digest, { openBlob }: Blobs): Promise<boolean> {
  let start = Buffer.alloc(0);
  try {
    start = await buffer(await openBlob(digest, { first: 0, last: layerStartBytes - 1 }));
  } catch (error) {
    if (isFault(error, 'BLOB_NOT_FOUND')) return true;
    throw error;
  }
  return mayBeLayer(start);
}
