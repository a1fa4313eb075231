/** Data folders with every kind of content, and handmade archives. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { digestOf, openBlobStore, parseDigest } from '../../blobs/index.ts';
import {
  openRegistryStore,
  parseRepositoryName,
  parseTag,
  type RegistryStore,
  readManifestDocument,
} from '../../content/index.ts';
import { openGateStore } from '../../gate/index.ts';
import { configMediaType, manifestMediaType, ociArchitecture, tagManifest } from '../../images/index.ts';
import { openStore } from '../../store/index.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { takeBackup } from './backup.ts';
import { sumLine } from './members.ts';
import { restoreBackup } from './restore.ts';

export interface TestFolder extends AsyncDisposable {
  /** A folder for a test's other files. */
  readonly folder: string;
  readonly dataDir: string;
  readonly configFile: string;
  readonly imagesDir: string;
}

/** An empty folder with its own image store. */
export async function emptyPlace(): Promise<TestFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-backup-'));
  const imagesDir = join(folder, 'images');
  const configFile = join(folder, 'ward.yaml');
  writeFileSync(configFile, JSON.stringify({ images: imagesDir }));
  return {
    ...{ folder, imagesDir, configFile, dataDir: join(folder, 'data') },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

interface Kept {
  readonly path: string;
  readonly mode: number;
  /** Undefined for a folder. */
  readonly content: Buffer | undefined;
}

let kept: Promise<readonly Kept[]> | undefined;

/**
 * A used data folder: state, code, a pushed image, an own image, the operator's files, keys. It is made once and
 * written again for each test, since three databases take long to make.
 */
export async function filledPlace(): Promise<TestFolder> {
  kept ??= keepFilled();
  const files = await kept;
  const place = await emptyPlace();
  for (const { path, mode, content } of files) {
    const target = join(place.folder, path);
    if (content === undefined) mkdirSync(target, { mode });
    else writeFileSync(target, content, { mode });
    chmodSync(target, mode);
  }
  return place;
}

async function keepFilled(): Promise<readonly Kept[]> {
  await using place = await emptyPlace();
  await fill(place);
  const paths = readdirSync(place.folder, { recursive: true }).map(String).toSorted();
  return paths
    .filter((path) => join(place.folder, path) !== place.configFile)
    .map((path) => {
      const file = join(place.folder, path);
      const stat = statSync(file);
      const content = stat.isDirectory() ? undefined : readFileSync(file);
      return { path, mode: stat.mode & 0o7777, content };
    });
}

async function fill(place: TestFolder): Promise<void> {
  const paths = dataPaths(place.dataDir);
  const gate = gatePaths(place.dataDir);
  await using store = await openStore({ path: paths.database });
  const row = { name: 'guest', keyId: 'k', keyHash: 'h', limits: {}, settings: {}, createdAt: 1 };
  await store.namespaces.create(row);
  await putAction(place, store, 'hello', 'function main() {}');
  await using registry = await openRegistryStore({ dir: paths.registry });
  await pushImage(registry, 'a layer');
  await using audit = await openGateStore({ path: gate.database });
  const entry = { time: '2026-01-01T00:00:00Z', event: 'verdict', actor: 'ada' } as const;
  await audit.write({
    audit: [
      { ...entry, name: 'one' },
      { ...entry, name: 'two' },
    ],
  });
  for (const folder of [gate.vex, gate.rules, gate.keys, join(place.dataDir, 'advisories')])
    mkdirSync(folder, { recursive: true });
  const files = {
    [gate.policy]: 'form: 1\n',
    [join(gate.vex, 'our word.json')]: '{}',
    [join(gate.rules, 'secrets.yaml')]: 'x',
    [join(gate.keys, 'release.key')]: 'private half',
    [gate.advisories]: 'advisories',
    [paths.parameterKeys]: 'id:key',
    [paths.guestKey]: 'k:secret',
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(path, text, { mode: 0o600 });
  await writeOwnImage(place, 'x');
}

type Store = Awaited<ReturnType<typeof openStore>>;

/** Keeps the server's order: code exists before a row names it, and is deleted after the last row. */
export async function putAction(place: TestFolder, store: Store, path: string, code: string): Promise<void> {
  const blobs = openBlobStore(dataPaths(place.dataDir).code);
  const digest = await blobs.put(Buffer.from(code));
  const before = await store.entities.get('guest', path);
  const row = {
    namespace: 'guest',
    path,
    collection: 'actions',
    updatedAt: 1,
    link: null,
    shared: false,
  } as const;
  await store.entities.put(
    { ...row, revision: digest, codeDigest: digest, document: {} },
    before?.revision ?? null,
  );
  const old = before?.codeDigest;
  if (typeof old === 'string' && old !== digest) await blobs.delete(parseDigest(old));
}

const quietly = { onStep: () => {}, signal: new AbortController().signal };

export function backupOf(
  place: TestFolder,
  options: { name?: string; withKeys?: boolean; withAdvisories?: boolean } = {},
) {
  const { name = 'b.tar.zst', withKeys = true, withAdvisories = true } = options;
  const { dataDir, configFile, folder } = place;
  return takeBackup({ ...quietly, dataDir, configFile, file: join(folder, name), withKeys, withAdvisories });
}

export function restoreTo({ dataDir, configFile }: TestFolder, file: string, replace = false) {
  return restoreBackup({ ...quietly, dataDir, configFile, file, replace });
}

export const app = parseRepositoryName('guest/app');

/** Pushes an image as `guest/app:v1`. */
export async function pushImage(registry: RegistryStore, layer: string): Promise<void> {
  const { manifest, blobs } = imageOf(layer);
  for (const blob of blobs) {
    const upload = await registry.startUpload(app);
    await upload.append(Readable.from([Buffer.from(blob)]));
    await upload.finish(digestOf(blob));
  }
  const document = readManifestDocument(manifest, manifestMediaType);
  await registry.putManifest({ repository: app, document, tags: [parseTag('v1')], admit: async () => {} });
}

/** Writes an image as `own:v1` into the image store. */
export async function writeOwnImage({ imagesDir }: TestFolder, layer: string): Promise<void> {
  const { manifest, blobs } = imageOf(layer);
  const store = openBlobStore(imagesDir);
  for (const blob of [...blobs, manifest]) await store.put(blob);
  const descriptor = { mediaType: manifestMediaType, digest: digestOf(manifest), size: manifest.length };
  await tagManifest(imagesDir, descriptor, ['own:v1']);
}

function imageOf(text: string) {
  const layer = Buffer.from(text);
  const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] };
  const config = Buffer.from(JSON.stringify({ architecture: ociArchitecture(), os: 'linux', rootfs }));
  const describe = (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const layers = [describe(layer, 'application/vnd.oci.image.layer.v1.tar')];
  const manifest = { schemaVersion: 2, config: describe(config, configMediaType), layers };
  return { manifest: Buffer.from(JSON.stringify(manifest)), blobs: [config, layer] };
}

export interface TarEntry extends Partial<Omit<Header, 'size'>> {
  readonly name: string;
  readonly content?: string;
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

/** Adds the correct digests at the end, unless `sums` gives others. */
export async function archiveOf(entries: readonly TarEntry[], sums?: string): Promise<Buffer> {
  const lines = entries.map(({ name, content = '' }) =>
    sumLine(name, createHash('sha256').update(content).digest('hex')),
  );
  return zstdCompressSync(await tarOf([...entries, { name: 'sha256sums', content: sums ?? lines.join('') }]));
}

export function headerOf(more: object = {}): TarEntry {
  const content = JSON.stringify({
    ...{
      form: 1,
      ward: '0.1.0',
      takenAt: '2026-01-01T00:00:00.000Z',
      instance: 'x',
      files: 1,
      bytes: 1,
      missing: [],
    },
    schemas: { state: '0001-entities', registry: null, gate: null },
    ...more,
  });
  return { name: 'backup.json', content };
}
