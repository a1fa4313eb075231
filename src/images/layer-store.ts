/**
 * Unpacked layers, `layers/sha256/<hex of the diff id>`: each appears whole, once its bytes were found to have
 * both the digest in the manifest and the diff id in the config, and is never changed after. The folders are
 * shared by all images and sandboxes; only root may look into the store.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { errnoOf, formatSize, mustRun } from '../lib/index.ts';
import { blobPath } from './blob-store.ts';
import { digestHex } from './digest.ts';
import { imageFault } from './faults.ts';
import { openRegularFile } from './files.ts';
import type { Descriptor } from './oci/schema.ts';
import type { ArchiveLimits, Digest } from './types.ts';
import { unpackTar } from './unpack/tar.ts';

export interface LayerStore {
  /** Where the layer lies, or would lie. */
  path(diffId: Digest): string;
  has(diffId: Digest): Promise<boolean>;
  /**
   * Unpacks a layer of the OCI layout in `from`, unless it is there already. Returns its folder.
   * @throws Fault IMAGE_INVALID, ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID
   */
  unpack(from: string, layer: Descriptor, diffId: Digest): Promise<string>;
}

const layerTypes =
  /^application\/vnd\.(?:oci\.image\.layer\.v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.diff\.tar(?:\.gzip|\.zstd)?)$/;

/** What one layer may hold: far more than any sensible image, far less than a disk. */
const layerLimits: ArchiveLimits = {
  maxEntries: 500_000,
  maxTotalBytes: 8 * 1024 ** 3,
  maxEntryBytes: 4 * 1024 ** 3,
  maxPathDepth: 100,
};
/** Real layers shrink to a third; this many times their size is a bomb, once past the floor. */
const maxExpansion = 200;
const expansionFloor = 64 * 1024 ** 2;
const syncTimeoutMs = 300_000;
/** A temporary folder of this age has lost its process. */
const abandonedMs = 3_600_000;
const inFlight = new Map<string, Promise<string>>();

/** Removes what unpackers that were killed left behind. */
export async function removeAbandonedLayers(dir: string): Promise<void> {
  const folder = join(dir, 'layers', 'sha256');
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith('.tmp-')) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > abandonedMs) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** The unpacked layers below `dir`. */
export function openLayerStore(dir: string): LayerStore {
  const folder = join(dir, 'layers', 'sha256');
  const path = (diffId: Digest) => join(folder, digestHex(diffId));
  const has = async (diffId: Digest) =>
    (await stat(path(diffId)).catch(() => undefined))?.isDirectory() ?? false;
  const unpack = async (from: string, layer: Descriptor, diffId: Digest): Promise<string> => {
    const target = path(diffId);
    if (await has(diffId)) return target;
    const running = inFlight.get(target);
    if (running !== undefined) return running;
    const work = unpackLayer(from, layer, diffId, folder, target).finally(() => inFlight.delete(target));
    inFlight.set(target, work);
    return work;
  };
  return { path, has, unpack };
}

async function unpackLayer(
  from: string,
  layer: Descriptor,
  diffId: Digest,
  folder: string,
  target: string,
): Promise<string> {
  if (!layerTypes.test(layer.mediaType)) {
    throw imageFault(
      'IMAGE_INVALID',
      `the layer ${layer.digest} is of a type that Ward does not read: ${layer.mediaType}`,
    );
  }
  const blob = await openRegularFile(blobPath(from, layer.digest));
  if (blob === undefined) throw imageFault('IMAGE_INVALID', `${from} lacks the layer ${layer.digest}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = await mkdtemp(join(folder, '.tmp-'));
  try {
    const root = join(temporary, 'root');
    await mkdir(root, { mode: 0o755 });
    await unpackBlob(blob, layer, diffId, root);
    // A name must never survive a power cut without its content.
    await mustRun(['sync', '--file-system', root], { timeoutMs: syncTimeoutMs });
    await moveInto(root, target);
    return target;
  } finally {
    await blob.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

async function unpackBlob(blob: FileHandle, layer: Descriptor, diffId: Digest, root: string): Promise<void> {
  const { size } = await blob.stat();
  if (size !== layer.size) {
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} has ${size} bytes, not ${layer.size}`);
  }
  const packed = hashingStream(Number.POSITIVE_INFINITY, '');
  const limit = Math.min(layerLimits.maxTotalBytes * 2, Math.max(expansionFloor, size * maxExpansion));
  const plain = hashingStream(
    limit,
    `the layer ${layer.digest} grows past ${formatSize(limit)} when it is unpacked`,
  );
  const start = Buffer.alloc(4);
  await blob.read(start, 0, 4, 0);
  const source = blob.createReadStream({ start: 0, autoClose: false });
  const steps = [packed.stream, ...decompressor(start), plain.stream];
  const output = steps.reduce((before: Readable, step) => {
    before.once('error', (error) => step.destroy(error));
    return before.pipe(step);
  }, source);
  try {
    await unpackTar(output, root, layerLimits);
  } finally {
    for (const stream of [source, ...steps]) stream.destroy();
  }
  if (packed.digest() !== layer.digest)
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} has another digest`);
  if (plain.digest() !== diffId)
    throw imageFault('IMAGE_INVALID', `the layer ${layer.digest} has another diff id than the config says`);
}

/** By what the bytes are, not by what the manifest calls them: tools disagree on the names. */
function decompressor(start: Buffer): Transform[] {
  if (start.readUInt16BE(0) === 0x1f8b) return [createGunzip()];
  return start.readUInt32BE(0) === 0x28b52ffd ? [createZstdDecompress()] : [];
}

function hashingStream(maxBytes: number, complaint: string): { stream: Transform; digest: () => string } {
  const hash = createHash('sha256');
  let total = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      total += chunk.length;
      hash.update(chunk);
      if (total > maxBytes) done(imageFault('ARCHIVE_TOO_LARGE', complaint));
      else done(null, chunk);
    },
  });
  return { stream, digest: () => `sha256:${hash.digest('hex')}` };
}

/** Another process may have been faster; its folder has the same content. */
async function moveInto(root: string, target: string): Promise<void> {
  try {
    await rename(root, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  }
}
