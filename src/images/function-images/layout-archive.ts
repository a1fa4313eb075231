/**
 * An OCI image layout as one tar file (`oci-archive:` of skopeo and podman). The same image gives the same bytes.
 * Source: OCI image-spec v1.1, image-layout.md.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { blobPath, digestHex, renameDurably, temporaryBeside } from '../../blobs/index.ts';
import { readImage } from '../oci/layout.ts';
import { type Descriptor, indexMediaType, refNameAnnotation } from '../oci/schema.ts';

const mtime = new Date(315_532_800_000);
const common = { mtime, uid: 0, gid: 0 };

/** Writes the image of the layout in `dir` to `file`, which appears only when it is complete. */
export async function writeLayoutArchive(
  dir: string,
  descriptor: Descriptor,
  name: string,
  file: string,
): Promise<void> {
  const { manifest } = await readImage(dir, descriptor);
  const blobs = new Map([descriptor, manifest.config, ...manifest.layers].map((each) => [each.digest, each]));
  const sorted = [...blobs.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const named = { ...descriptor, annotations: { ...descriptor.annotations, [refNameAnnotation]: name } };
  const index = { schemaVersion: 2, mediaType: indexMediaType, manifests: [named] };
  const archive = pack();
  const write = async () => {
    for (const folder of ['blobs/', 'blobs/sha256/'])
      archive.entry({ ...common, name: folder, type: 'directory', mode: 0o755 });
    for (const { digest, size } of sorted) {
      const sink = archive.entry({ ...common, name: `blobs/sha256/${digestHex(digest)}`, mode: 0o644, size });
      await pipeline(createReadStream(blobPath(dir, digest)), sink);
    }
    archive.entry({ ...common, name: 'index.json', mode: 0o644 }, JSON.stringify(index));
    archive.entry({ ...common, name: 'oci-layout', mode: 0o644 }, '{"imageLayoutVersion":"1.0.0"}');
    archive.finalize();
  };
  const temporary = temporaryBeside(file);
  try {
    const output = createWriteStream(temporary, { flags: 'wx', mode: 0o644, flush: true });
    const written = write().catch((error) => {
      archive.destroy(error);
      throw error;
    });
    const [saved, packed] = await Promise.allSettled([pipeline(archive, output), written]);
    if (packed.status === 'rejected') throw packed.reason;
    if (saved.status === 'rejected') throw saved.reason;
    await renameDurably(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
