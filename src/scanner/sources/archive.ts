/**
 * Reads an image in a tar archive: an OCI image layout, or the output of `docker save` or `podman save`. It reads in place
 * and unpacks nothing. `decompressed.ts` decompresses an archive that is compressed as a whole before.
 * Source: OCI image-spec v1.1, image-layout.md; Docker, "Image tarball format" (`manifest.json`).
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { type Digest, digestOf, openRegularFile, parseDigest } from '../../blobs/index.ts';
import {
  configSchema,
  type Descriptor,
  formOf,
  indexSchema,
  maxDocumentBytes,
  parseDocument,
  pickEntry,
} from '../../images/index.ts';
import { scannerFault } from '../faults.ts';
import type { ImageSource } from '../types.ts';
import { scannedConfig } from './config.ts';
import { imageSourceOf } from './image-source.ts';
import { type Choice, readBytes } from './layout.ts';
import { type ArchivedFile, indexTar } from './tar-index.ts';

const savedSchema = z
  .array(
    z.looseObject({
      Config: z.string(),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string()).max(128),
    }),
  )
  .max(1000);
type Saved = z.infer<typeof savedSchema>[number];

/** Docker's name for the tar of a layer. */
const layerType = 'application/vnd.docker.image.rootfs.diff.tar';

interface Archive {
  /** The name in errors. */
  readonly name: string;
  readonly path: string;
  readonly files: ReadonlyMap<string, ArchivedFile>;
}

/** @throws Fault IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_ARCHIVE_INVALID, LAYER_MISSING */
export async function archiveSource(name: string, path: string, choice: Choice): Promise<ImageSource> {
  const archive = { name, path, files: await indexFile(name, path) };
  if (archive.files.has('index.json')) return fromLayout(name, archive, choice);
  if (archive.files.has('manifest.json')) return fromSaved(name, archive, choice);
  throw scannerFault('IMAGE_ARCHIVE_INVALID', `${name} is a tar archive, but not of an image`, {
    hint: 'Give an archive by `docker save`, `podman save` or `skopeo copy … oci-archive:FILE`. A root file system: unpack it, and scan rootfs:DIR.',
  });
}

async function indexFile(name: string, path: string): Promise<ReadonlyMap<string, ArchivedFile>> {
  const file = await openRegularFile(path);
  if (file === undefined) throw scannerFault('LAYER_MISSING', `there is no file ${name}`);
  try {
    return await indexTar(file);
  } finally {
    await file.close();
  }
}

async function fromLayout(name: string, archive: Archive, choice: Choice): Promise<ImageSource> {
  const index = parseDocument(indexSchema, await readDocument(archive, 'index.json'), 'index.json');
  const entry = pickEntry(name, name, index, choice.tag, choice.architecture);
  const pathOf = ({ digest }: Descriptor) => `blobs/${digest.replace(':', '/')}`;
  const blobs = {
    read: (each: Descriptor) => readDocument(archive, pathOf(each)),
    open: (each: Descriptor) => openFile(archive, pathOf(each)),
  };
  return imageSourceOf(name, entry, blobs, choice.architecture);
}

async function fromSaved(name: string, archive: Archive, { tag }: Choice): Promise<ImageSource> {
  const list = parseDocument(savedSchema, await readDocument(archive, 'manifest.json'), 'manifest.json');
  const saved = pickSaved(name, list, tag);
  const bytes = await readDocument(archive, saved.Config);
  const config = parseDocument(configSchema, bytes, saved.Config);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== saved.Layers.length) {
    throw scannerFault(
      'LAYER_MISMATCH',
      `manifest.json and ${saved.Config} disagree on the number of layers`,
    );
  }
  const layers = saved.Layers.map(async (path, at) => ({
    digest: await storedDigest(archive, path, parseDigest(diffIds[at] ?? '')),
    diffId: parseDigest(diffIds[at] ?? ''),
    mediaType: layerType,
    open: () => openFile(archive, path),
  }));
  // Such an archive has no manifest. Docker identifies an image by its configuration.
  return { name, digest: digestOf(bytes), config: scannedConfig(config), layers: await Promise.all(layers) };
}

function pickSaved(name: string, list: readonly Saved[], tag: string | undefined): Saved {
  const fits = tag === undefined ? list : list.filter(({ RepoTags }) => RepoTags?.includes(tag));
  const [first] = fits;
  if (first !== undefined && fits.length === 1) return first;
  const tags = list.flatMap(({ RepoTags }) => RepoTags ?? []).sort();
  throw scannerFault(
    'IMAGE_NOT_CHOSEN',
    `${name} names ${fits.length === 0 ? 'no' : 'more than one'} image`,
    {
      hint: `It has: ${tags.join(', ') || 'images without a name'}.`,
    },
  );
}

/** The digest of a plain layer is its diff id. The digest of a compressed layer must be computed. */
async function storedDigest(archive: Archive, path: string, diffId: Digest): Promise<Digest> {
  const { offset } = fileAt(archive, path);
  const file = await open(archive.path);
  const start = Buffer.alloc(4);
  try {
    await file.read(start, 0, 4, offset);
  } finally {
    await file.close();
  }
  if (formOf(start) === 'plain') return diffId;
  const hash = createHash('sha256');
  for await (const piece of await openFile(archive, path)) hash.update(piece);
  return parseDigest(`sha256:${hash.digest('hex')}`);
}

async function readDocument(archive: Archive, path: string): Promise<Buffer> {
  const { sizeBytes } = fileAt(archive, path);
  if (sizeBytes > maxDocumentBytes) throw scannerFault('IMAGE_ARCHIVE_INVALID', `${path} is too long`);
  const pieces: Buffer[] = [];
  for await (const piece of await openFile(archive, path)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function openFile(archive: Archive, path: string): Promise<Readable> {
  const { offset, sizeBytes } = fileAt(archive, path);
  if (sizeBytes === 0) return Readable.from([]);
  const file = await open(archive.path);
  return file.createReadStream({ start: offset, end: offset + sizeBytes - 1, highWaterMark: readBytes });
}

function fileAt({ name, files }: Archive, path: string): ArchivedFile {
  const found = files.get(path.replace(/^\.\//, ''));
  if (found !== undefined) return found;
  throw scannerFault('LAYER_MISSING', `${name} lacks ${path.slice(0, 200)}`);
}
