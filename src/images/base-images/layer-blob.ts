/**
 * Packs a tree into a layer blob: entries sorted by path, owner 0:0, one date for all, fixed compression. The same tree
 * and epoch give the same bytes. Uses zstd because, unlike zlib's, its output does not depend on the processor.
 */
import { createHash } from 'node:crypto';
import { PassThrough, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Digest, openBlobStore, parseDigest } from '../../blobs/index.ts';
import type { Tree, TreeEntry } from './tree.ts';

export interface PackedLayer {
  readonly digest: Digest;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  readonly size: number;
}

/** Part of the inputs of a layer: another level gives other bytes. */
export const compressionLevel = 3;
const writtenBytes = 256 * 1024;

export type Archive = ReturnType<typeof pack>;

/** Packs `tree` into the blobs of `dir`, every entry dated `epoch` (seconds). */
export function packLayer(dir: string, tree: Tree, epoch: number): Promise<PackedLayer> {
  return packArchive(dir, (archive) => writeEntries(archive, tree, new Date(epoch * 1000)));
}

/** Packs the entries that `write` puts into the archive, and ends the archive. */
export async function packArchive(
  dir: string,
  write: (archive: Archive) => Promise<void>,
): Promise<PackedLayer> {
  const archive = pack();
  const written = write(archive).then(
    () => archive.finalize(),
    (error) => {
      archive.destroy(error);
      throw error;
    },
  );
  // Throws after both have ended. The error of the blob is the cause, even if it came second.
  const [packed, filled] = await Promise.allSettled([packTar(dir, archive), written]);
  if (packed.status === 'rejected') throw packed.reason;
  if (filled.status === 'rejected') throw filled.reason;
  return packed.value;
}

/** Packs an existing tar. */
export async function packTar(dir: string, tar: Archive | Readable): Promise<PackedLayer> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const compress = createZstdCompress({
    // Each piece of output costs a turn of the event loop and a write.
    chunkSize: writtenBytes,
    params: { [constants.ZSTD_c_compressionLevel]: compressionLevel, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  const output = new PassThrough();
  const [stored, packed] = await Promise.allSettled([
    openBlobStore(dir).putStream(output),
    pipeline(tar, hashing, compress, output),
  ]);
  if (stored.status === 'rejected') throw stored.reason;
  if (packed.status === 'rejected') throw packed.reason;
  return { ...stored.value, diffId: parseDigest(`sha256:${hash.digest('hex')}`) };
}

async function writeEntries(archive: Archive, tree: Tree, mtime: Date): Promise<void> {
  const sorted = [...tree.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, entry] of sorted) await writeEntry(archive, path, entry, mtime);
}

function writeEntry(archive: Archive, path: string, entry: TreeEntry, mtime: Date): Promise<void> {
  const common = { mtime, uid: 0, gid: 0 };
  return new Promise((done, failed) => {
    const ended = (error?: Error | null) => (error ? failed(error) : done());
    if (entry.type === 'folder') {
      archive.entry({ ...common, name: `${path}/`, type: 'directory', mode: entry.mode }, ended);
    } else if (entry.type === 'link') {
      archive.entry({ ...common, name: path, type: 'symlink', mode: 0o777, linkname: entry.target }, ended);
    } else {
      const { mode, bytes } = entry;
      archive.entry({ ...common, name: path, type: 'file', mode, size: bytes.length }, bytes, ended);
    }
  });
}
