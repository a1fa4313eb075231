/** Helpers for this room's tests: temporary folders, hand-made archives and image layouts. */

import { readFileSync } from 'node:fs';
import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { digestOf, openBlobStore } from '../blobs/index.ts';
import { ociArchitecture, putDocument, tagManifest } from './oci/layout.ts';
import { configMediaType, type Descriptor, manifestMediaType } from './oci/schema.ts';

export interface TarEntry extends Partial<Omit<Header, 'size'>> {
  readonly name: string;
  readonly content?: string | Buffer;
}

/** A handmade archive, which can contain anything. */
export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) archive.entry(header);
    else archive.entry(header, content);
  }
  archive.finalize();
  return buffer(archive);
}

/** The nodes that debootstrap and mmdebstrap create. */
export const usualDevices: readonly TarEntry[] = (
  [
    ['console', 5, 1],
    ['full', 1, 7],
    ['null', 1, 3],
    ['ptmx', 5, 2],
    ['random', 1, 8],
    ['tty', 5, 0],
    ['urandom', 1, 9],
    ['zero', 1, 5],
  ] as const
).map(([name, devmajor, devminor]) => ({
  name: `./dev/${name}`,
  type: 'character-device',
  mode: 0o666,
  devmajor,
  devminor,
}));

/** Streams the bytes in pieces of this size. */
export function streamOf(bytes: Buffer, pieceBytes = 64 * 1024): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return Readable.from(pieces);
}

/** A folder for one test; `await using` removes it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'ward-images-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Path → content: a file's text, a link's target, a folder or a device. */
export async function listTree(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(root, { recursive: true })).sort()) {
    const path = join(root, name);
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) found[name] = `-> ${await readlink(path)}`;
    else if (stats.isDirectory()) found[name] = 'folder';
    else if (stats.isCharacterDevice()) found[name] = `device ${stats.rdev}`;
    else found[name] = await readFile(path, 'utf8');
  }
  return found;
}

export type Packing = 'gzip' | 'zstd' | 'none';

export interface TestImage {
  readonly tag: string;
  /** The tar of each layer, lowest first. */
  readonly layers: readonly Buffer[];
  readonly packing?: Packing;
  readonly layerType?: string;
  readonly architecture?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly env?: readonly string[];
  /** Wrong values for the documents. */
  readonly diffIds?: readonly string[];
}

const layerTypes = { gzip: '+gzip', zstd: '+zstd', none: '' };

/** Adds an image to the layout in `dir`. */
export async function writeTestImage(dir: string, image: TestImage): Promise<Descriptor> {
  const packing = image.packing ?? 'gzip';
  const blobs = openBlobStore(dir);
  const layers: { mediaType: string; digest: string; size: number }[] = [];
  for (const layer of image.layers) {
    const bytes = packing === 'gzip' ? gzipSync(layer) : packing === 'zstd' ? zstdCompressSync(layer) : layer;
    const mediaType = image.layerType ?? `application/vnd.oci.image.layer.v1.tar${layerTypes[packing]}`;
    layers.push({ mediaType, digest: await blobs.put(bytes), size: bytes.length });
  }
  const architecture = image.architecture ?? ociArchitecture();
  const config = await putDocument(dir, configMediaType, {
    architecture,
    os: 'linux',
    created: '2026-01-01T00:00:00Z',
    config: {
      Env: image.env ?? ['A=b'],
      Cmd: ['/run'],
      Labels: { colour: 'green', ...image.labels },
      ...(image.user !== undefined && { User: image.user }),
    },
    rootfs: { type: 'layers', diff_ids: image.diffIds ?? image.layers.map((layer) => digestOf(layer)) },
  });
  const manifest = { schemaVersion: 2, mediaType: manifestMediaType, config, layers };
  const entry = {
    ...(await putDocument(dir, manifestMediaType, manifest)),
    platform: { architecture, os: 'linux' },
  };
  await tagManifest(dir, entry, [image.tag]);
  return entry;
}

/** A test's mounts must not reach the host, and only root can create them. */
export function canMount(): boolean {
  const root = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.split(' ')[4] === '/');
  return process.getuid?.() === 0 && root !== undefined && !root.includes(' shared:');
}
