/** Shared by the tests of reading: hand-made layers and images, and folders that vanish. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { digestOf } from '../blobs/index.ts';
import { catalogers } from './inventory/catalogers.ts';
import type { Cataloger, Proof } from './inventory/types.ts';
import type { LayerAnalysis } from './layers/analysis.ts';
import { readLayer } from './layers/read-layer.ts';
import type { FileInspector, ImageLayer, ImageSource, ScannedConfig, Secret } from './types.ts';

export interface TarEntry extends Partial<Omit<Header, 'size'>> {
  readonly name: string;
  readonly content?: string | Buffer;
}

export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) archive.entry(header);
    else archive.entry(header, content);
  }
  archive.finalize();
  return buffer(archive);
}

/** Files by their path. */
export function filesTar(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  return tarOf(Object.entries(files).map(([name, content]) => ({ name, content })));
}

/** A stream of pieces of this length. */
export function streamOf(bytes: Buffer, pieceBytes = 64 * 1024): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return Readable.from(pieces);
}

export function storedLayer(bytes: Buffer): Pick<ImageLayer, 'digest' | 'open'> {
  return { digest: digestOf(bytes), open: async () => streamOf(bytes) };
}

/** Reads a tar as a layer; by default with all catalogers and no inspectors. */
export async function analysisOf(
  tar: Buffer,
  inspectors: readonly FileInspector[] = [],
): Promise<LayerAnalysis> {
  return readLayer(storedLayer(tar), { catalogers, inspectors }, new AbortController().signal);
}

export const plainConfig: ScannedConfig = {
  env: [],
  entrypoint: [],
  cmd: ['/run'],
  user: '1000',
  exposedPorts: [],
  labels: {},
  healthcheck: false,
  history: [],
};

/** An image whose layers are these tars, gzipped. */
export function imageOf(tars: readonly Buffer[], config: Partial<ScannedConfig> = {}): ImageSource {
  return {
    name: 'app:1',
    digest: digestOf(Buffer.concat([...tars])),
    config: { ...plainConfig, ...config },
    layers: tars.map((tar) => ({
      ...storedLayer(gzipSync(tar)),
      diffId: digestOf(tar),
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    })),
  };
}

/** The proof of a cataloger for a file; undefined when it does not want the file. */
export async function proofOf(
  cataloger: Cataloger,
  path: string,
  content: string | Buffer,
): Promise<Proof | undefined> {
  const bytes = Buffer.from(content);
  const file = {
    path,
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: bytes.length,
    xattrs: new Map<string, Buffer>(),
    head: bytes.subarray(0, 64 * 1024),
    content: bytes,
  };
  return cataloger.wants(file, path.slice(path.lastIndexOf('/') + 1)) ? cataloger.read(file) : undefined;
}

/** Finds the word `hunter2`, and nothing else. */
export const passwordInspector: FileInspector = {
  name: 'passwords',
  revision: '1',
  looksInside: true,
  inspect: ({ path, content }) => (content?.includes('hunter2') ? [secretAt(path)] : []),
};

function secretAt(path: string): Secret {
  return {
    class: 'secret',
    id: 'password',
    title: 'a password',
    severity: 'high',
    places: [{ path }],
    redacted: 'h…',
  };
}

/** A folder for one test; `await using` removes it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'ward-scanner-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
