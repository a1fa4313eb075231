/**
 * An image store of its own with images that speak OpenWhisk's HTTP contract: the layers of the Node.js runtime image,
 * linked from the real store, and one with the program.
 */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { digestOf, openBlobStore, openImageStore } from '../../src/images/index.ts';
import { imagesDir } from '../ward.ts';

export interface ImageChanges {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Env?: readonly string[];
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

/** @param images name → what is different about it */
export async function makeBlackboxImages(
  images: Readonly<Record<string, ImageChanges>>,
): Promise<BlackboxImages> {
  const dir = await mkdtemp(join(tmpdir(), 'ward-blackbox-'));
  const blobs = await openBlobStore(dir);
  const put = async (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: await blobs.put(bytes),
    size: bytes.length,
  });
  const layer = await put('application/vnd.oci.image.layer.v1.tar', await programLayer());
  const base = await linkBaseLayers(dir);
  const manifests = [];
  for (const [name, changes] of Object.entries(images)) {
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const document = {
      architecture,
      os: 'linux',
      config: { ...config, ...changes },
      rootfs: { type: 'layers', diff_ids: [...base, layer.digest] },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: await put('application/vnd.oci.image.config.v1+json', json(document)),
      // Those of the base are unpacked already, so that nobody looks for their bytes.
      layers: [...base.map((digest) => ({ ...layer, digest })), layer],
    };
    const entry = await put(manifest.mediaType, json(manifest));
    manifests.push({ ...entry, annotations: { 'org.opencontainers.image.ref.name': name } });
  }
  await writeFile(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(dir, 'index.json'), json({ schemaVersion: 2, manifests }));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
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

/** The diff ids of the Node.js image's layers, which are linked into the store in `dir`. */
async function linkBaseLayers(dir: string): Promise<string[]> {
  await using store = await openImageStore({ dir: imagesDir, mountsDir: join(dir, 'unused') });
  const { layerDirs } = await store.resolve('nodejs:24');
  const layers = join(dir, 'layers', 'sha256');
  await mkdir(layers, { recursive: true, mode: 0o700 });
  for (const path of layerDirs) await symlink(path, join(layers, basename(path)));
  return layerDirs.map((path) => `sha256:${basename(path)}`);
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Of an action without code. */
export const noCode = digestOf(Buffer.alloc(0));
