/**
 * An image store for tests. It links everything in the real store, and has images that speak OpenWhisk's HTTP contract,
 * each made of the layers of the Node.js runtime image and one layer with the program.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { openBlobStore, parseDigest } from '../../src/blobs/index.ts';
import { mustRun } from '../../src/lib/index.ts';
import { imagesDir } from '../ward.ts';

export interface ImageChanges {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
}

export interface BlackboxImages extends AsyncDisposable {
  readonly dir: string;
}

const config = {
  Entrypoint: ['node', 'server.cjs'],
  User: 'root',
  WorkingDir: '/app',
  Env: ['PATH=/usr/bin', 'COLOUR=green', 'no value'],
};
const nameKey = 'org.opencontainers.image.ref.name';

/** @param images differences of each image, by its name */
export async function makeBlackboxImages(
  images: Readonly<Record<string, ImageChanges>>,
): Promise<BlackboxImages> {
  const dir = await mkdtemp(join(tmpdir(), 'ward-blackbox-'));
  for (const folder of ['blobs/sha256', 'layers/unpacked']) await linkAll(folder, dir);
  const blobs = await openBlobStore(dir);
  const read = async (digest: string) => JSON.parse(String(await blobs.get(parseDigest(digest))));
  const put = async (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: await blobs.put(bytes),
    size: bytes.length,
  });
  const index = JSON.parse(await readFile(join(imagesDir, 'index.json'), 'utf8'));
  const entry = index.manifests.find((each: Entry) => each.annotations?.[nameKey] === 'nodejs:24');
  const manifest = await read(entry.digest);
  const document = await read(manifest.config.digest);
  const layer = await put('application/vnd.oci.image.layer.v1.tar', await programLayer());
  for (const [name, changes] of Object.entries(images)) {
    const own = {
      ...document,
      config: { ...config, ...changes },
      rootfs: { type: 'layers', diff_ids: [...document.rootfs.diff_ids, layer.digest] },
    };
    const made = await put(
      manifest.mediaType,
      json({
        ...manifest,
        config: await put(manifest.config.mediaType, json(own)),
        layers: [...manifest.layers, layer],
      }),
    );
    index.manifests.push({ ...made, annotations: { [nameKey]: name }, platform: entry.platform });
  }
  await writeFile(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(dir, 'index.json'), json(index));
  // As the first start of a Ward does: its server must be able to write there.
  await mustRun(['chown', '--recursive', 'ward:ward', dir]);
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

interface Entry {
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Makes a folder of the real store visible below `dir`, with hard links to its files. */
export async function linkAll(folder: string, dir: string): Promise<void> {
  await mkdir(join(dir, dirname(folder)), { recursive: true, mode: 0o750 });
  await mustRun(['cp', '--archive', '--link', join(imagesDir, folder), join(dir, folder)]);
}

async function programLayer(): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: 'app', type: 'directory', mode: 0o755 });
  archive.entry(
    { name: 'app/server.cjs', mode: 0o644 },
    await readFile(join(import.meta.dirname, 'server.cjs')),
  );
  archive.finalize();
  return buffer(archive);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
