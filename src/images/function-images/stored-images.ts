/**
 * Deletes an image from Ward's store: its name, and the blobs and unpacked layers that no other image there uses.
 * Refuses to delete Ward's own images, and anything while sandboxes run on it or while a build runs, which may be
 * about to use it. A process that is killed meanwhile leaves unused blobs, but no name without its blobs.
 */

import { lstat, opendir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { blobPath, blobSize, type Digest, digestHex } from '../../blobs/index.ts';
import { errnoOf } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { refNameOf, replaceIndex } from '../oci/layout.ts';
import { readDocumentFile } from '../oci/layout-blobs.ts';
import {
  configSchema,
  type Descriptor,
  indexSchema,
  indexTypes,
  manifestSchema,
  parseDocument,
} from '../oci/schema.ts';
import { isMountedAnywhere, mountedName, openLayerStore } from '../store/layer-store.ts';
import { parseImageName } from './image-name.ts';
import { isWorkFolder } from './work-folder.ts';

export interface DeletedImage {
  readonly name: string;
  /** Bytes freed on the disk, including unpacked layers. */
  readonly freedBytes: number;
}

/** The parts of an image in the store. */
interface Parts {
  readonly blobs: Set<Digest>;
  readonly layers: Set<Digest>;
}

const companionOf = (digest: Digest) => new RegExp(`^sha256-${digestHex(digest)}\\.(?:sig|att|sbom)$`);
const maxNesting = 4;

/**
 * @param users the actions that name the image, for the refusal; empty when there are none, or when they do not
 * matter
 * @throws Fault IMAGE_INVALID, IMAGE_NAME_RESERVED, IMAGE_NOT_FOUND, IMAGE_IN_USE, IMAGE_STORE_BUSY
 */
export async function deleteStoredImage(
  dir: string,
  typed: string,
  users: readonly string[] = [],
): Promise<DeletedImage> {
  const name = parseImageName(typed);
  if (users.length > 0)
    throw imageFault('IMAGE_IN_USE', `${name} is used by ${listed(users)}`, {
      hint: 'Delete them or give them another image first, or use --force.',
    });
  await refuseBuilds(dir);
  const gone: Parts = { blobs: new Set(), layers: new Set() };
  await replaceIndex(dir, async (entries) => {
    const named = entries.filter((entry) => refNameOf(entry) === name);
    if (named.length === 0)
      throw imageFault('IMAGE_NOT_FOUND', `there is no image ${name} in the store`, {
        hint: 'ward image list --store shows all images.',
      });
    let rest = entries.filter((entry) => !named.includes(entry));
    for (const { digest } of named)
      if (!rest.some((entry) => entry.digest === digest))
        rest = rest.filter((entry) => !companionOf(digest).test(refNameOf(entry) ?? ''));
    const kept: Parts = { blobs: new Set(), layers: new Set() };
    for (const entry of rest) await addParts(dir, entry, kept);
    for (const entry of entries.filter((each) => !rest.includes(each))) await addParts(dir, entry, gone);
    for (const digest of kept.blobs) gone.blobs.delete(digest);
    for (const digest of kept.layers) gone.layers.delete(digest);
    await refuseMounted(name, gone.layers);
    return rest;
  });
  return { name, freedBytes: await removeParts(dir, gone) };
}

/** Makes it possible to delete a damaged image: an unreadable document counts as one without parts. */
async function addParts(
  dir: string,
  { digest, mediaType }: Descriptor,
  parts: Parts,
  depth = 0,
): Promise<void> {
  parts.blobs.add(digest);
  const bytes = await readDocumentFile(blobPath(dir, digest));
  if (bytes === undefined || depth > maxNesting) return;
  if (indexTypes.has(mediaType)) {
    for (const entry of parseDocument(indexSchema, bytes, digest).manifests)
      await addParts(dir, entry, parts, depth + 1);
    return;
  }
  const { config, layers } = parseDocument(manifestSchema, bytes, digest);
  for (const each of [config, ...layers]) parts.blobs.add(each.digest);
  const text = await readDocumentFile(blobPath(dir, config.digest));
  // Signatures and the like have a different config than an image.
  const read = text === undefined ? undefined : configSchema.safeParse(parsed(text));
  if (read?.success) for (const diffId of read.data.rootfs.diff_ids) parts.layers.add(diffId);
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}

async function refuseBuilds(dir: string): Promise<void> {
  const names = await readdir(join(dir, 'build')).catch(() => []);
  const work = names.find(isWorkFolder);
  if (work === undefined) return;
  throw imageFault(
    'IMAGE_STORE_BUSY',
    'an image is being built, and may need the files that would be deleted',
    {
      hint: `Try again when the build has ended. If a build was killed, remove ${join(dir, 'build', work)} first.`,
    },
  );
}

async function refuseMounted(name: string, layers: ReadonlySet<Digest>): Promise<void> {
  if (!(await isMountedAnywhere([...layers].map(mountedName)))) return;
  throw imageFault('IMAGE_IN_USE', `sandboxes run on ${name}`, {
    hint: 'Try again when they have ended: idle ones end after invoker.keepAliveMs.',
  });
}

async function removeParts(dir: string, { blobs, layers }: Parts): Promise<number> {
  const store = openLayerStore(dir);
  let freed = 0;
  for (const digest of blobs) {
    // Deleting a blob with a second name frees nothing: another store has it as well.
    const found = await stat(blobPath(dir, digest)).catch(() => undefined);
    if (found?.nlink === 1) freed += (await blobSize(dir, digest)) ?? 0;
    await rm(blobPath(dir, digest), { force: true });
  }
  for (const diffId of layers) {
    const path = store.path(diffId);
    freed += await bytesIn(path);
    await rm(path, { recursive: true, force: true });
  }
  return freed;
}

/** Bytes on disk; hard links count once. */
async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const entry of await opendir(folder, { recursive: true })) {
      const { blocks, nlink } = await lstat(join(entry.parentPath, entry.name));
      if (nlink === 1 || entry.isDirectory()) bytes += blocks * 512;
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  return bytes;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
