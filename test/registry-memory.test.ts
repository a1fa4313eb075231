/**
 * The registry's memory does not grow with the size or content of a layer, with and without the gate that scans it.
 * `WARD_LAYER_MIB=2048 node scripts/test.ts test/registry-memory.test.ts` pushes a larger layer.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { pack } from 'tar-stream';
import { expect, it } from 'vitest';
import { digestOf } from '../src/blobs/index.ts';
import { startCommand } from '../src/lib/index.ts';
import { peakMemoryMiB } from './peak-memory.ts';

const mebibyte = 1024 * 1024;
const limitMiB = 300;
/** Larger than the registry's memory may ever be, so that a registry that kept it would be seen. */
const layerMiB = Number(process.env['WARD_LAYER_MIB'] ?? 320);
const timeout = 30_000 + layerMiB * 100;
const fileMiB = 64;
const chunkBytes = 100 * mebibyte;
const layerType = 'application/vnd.oci.image.layer.v1.tar';

/** A tar that is the same each time. */
type Layer = () => Readable;

interface File {
  readonly name: string;
  /** Repeated `times` times. */
  readonly piece: Buffer;
  readonly times: number;
}

function layerOf(files: readonly File[]): Layer {
  return () => {
    const archive = pack();
    const write = async () => {
      for (const { name, piece, times } of files) {
        const entry = archive.entry({ name, size: piece.length * times, mtime: new Date(0) });
        await pipeline(Readable.from(Array<Buffer>(times).fill(piece)), entry);
      }
      archive.finalize();
    };
    write().catch((error) => archive.destroy(error));
    return Readable.from(archive);
  };
}

/** Files that are cheap to generate. */
const long = layerOf(
  Array.from({ length: layerMiB / fileMiB }, (_, at) => {
    return { name: `data/${at}`, piece: Buffer.alloc(mebibyte, 'layer'), times: fileMiB };
  }),
);

/** Layers that would take many times their size if they were read into memory as a whole. */
const greedy: Readonly<Record<string, Layer>> = {
  'a lock file of lists': layerOf([
    {
      name: 'app/package-lock.json',
      piece: Buffer.from(`{"packages":{},"x":[${'[],'.repeat(7_000_000)}[]]}`),
      times: 1,
    },
  ]),
  'a million packages of dpkg': layerOf([
    { name: 'var/lib/dpkg/status', piece: stanzas('Package: p-', '\nVersion: 1\n\n', 100_000), times: 10 },
  ]),
  'a million packages of apk': layerOf([
    { name: 'lib/apk/db/installed', piece: stanzas('P:p-', '\nV:1-r0\n\n', 100_000), times: 10 },
  ]),
  'a million lines of yarn': layerOf([
    { name: 'app/yarn.lock', piece: stanzas('p-', '@^1:\n  version "1.0"\n\n', 100_000), times: 10 },
  ]),
};

function stanzas(before: string, after: string, count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, at) => `${before}${at}${after}`).join(''));
}

interface Described {
  readonly digest: string;
  readonly size: number;
}

async function described(content: AsyncIterable<Buffer>): Promise<Described> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of content) {
    hash.update(piece);
    size += piece.length;
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

type Body = Iterable<Buffer> | AsyncIterable<Buffer>;

async function call(method: string, url: URL, body: Body = [], type?: string): Promise<IncomingMessage> {
  const headers = { authorization: 'Basic x', ...(type === undefined ? {} : { 'content-type': type }) };
  const sent = request(url, { method, headers });
  const [answer] = await Promise.all([once(sent, 'response'), pipeline(Readable.from(body), sent)]);
  return answer[0];
}

/** Uploads one piece per request, then sends a last request with only the digest. */
async function pushInChunks(upload: URL, content: AsyncIterable<Buffer>, digest: string) {
  let place = upload;
  let chunk: Buffer[] = [];
  const send = async () => {
    const { statusCode, headers } = await call('PATCH', place, chunk);
    expect(statusCode).toBe(202);
    place = new URL(String(headers.location), upload);
    chunk = [];
  };
  for await (const piece of content) {
    chunk.push(piece);
    if (chunk.reduce((sum, { length }) => sum + length, 0) >= chunkBytes) await send();
  }
  await send();
  return call('PUT', new URL(`?digest=${digest}`, place));
}

interface Server extends AsyncDisposable {
  readonly url: string;
  peakMiB(): Promise<number>;
}

async function startServer(mode: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-registry-memory-'));
  const program = fileURLToPath(new URL('./registry-server.ts', import.meta.url));
  const argv = [process.execPath, program, folder, mode];
  const child = startCommand(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no stdout');
  const [ready] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    url: String(ready).replace('ready ', ''),
    peakMiB: () => peakMemoryMiB(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

/** The answer to the manifest, and the layer that it names. */
async function push({ url }: Server, layer: Layer, way: string, known?: Described) {
  const begin = async () => {
    const { headers } = await call('POST', new URL('/v2/guest/app/blobs/uploads/', url));
    return new URL(String(headers.location), url);
  };
  const { digest, size } = known ?? (await described(layer()));
  const pushed =
    way === 'in chunks'
      ? await pushInChunks(await begin(), layer(), digest)
      : await call('PUT', new URL(`?digest=${digest}`, await begin()), layer());
  expect(pushed.statusCode).toBe(201);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { User: '1000' },
      rootfs: { type: 'layers', diff_ids: [digest] },
    }),
  );
  const configPlace = new URL(`?digest=${digestOf(config)}`, await begin());
  expect((await call('PUT', configPlace, [config])).statusCode).toBe(201);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = {
    ...{ schemaVersion: 2, mediaType },
    config: {
      ...{ mediaType: 'application/vnd.oci.image.config.v1+json' },
      ...{ digest: digestOf(config), size: config.length },
    },
    layers: [{ mediaType: layerType, digest, size }],
  };
  const bytes = [Buffer.from(JSON.stringify(manifest))];
  const answer = await call('PUT', new URL('/v2/guest/app/manifests/v1', url), bytes, mediaType);
  return { digest, size, status: answer.statusCode, said: await text(answer) };
}

/** Hashed once for all tests. */
const longDescribed = await described(long());

it.each([
  { mode: 'bare', way: 'in one request' },
  { mode: 'bare', way: 'in chunks' },
  { mode: 'gated', way: 'in one request' },
])(
  'accepts and serves a layer that is larger than its memory: $mode, $way',
  { timeout },
  async ({ mode, way }) => {
    await using server = await startServer(mode);
    const { digest, size, status, said } = await push(server, long, way, longDescribed);
    expect(status, said).toBe(201);
    const blob = await call('GET', new URL(`/v2/guest/app/blobs/${digest}`, server.url));
    expect(await described(blob)).toEqual({ digest, size });
    const peakMiB = await server.peakMiB();
    console.log(`${mode}, ${way}: ${Math.round(peakMiB)} MiB for a layer of ${layerMiB} MiB`);
    expect(peakMiB).toBeLessThan(limitMiB);
  },
);

it.each(Object.entries(greedy))('refuses %s, with no more memory than for others', async (_, layer) => {
  await using server = await startServer('gated');
  const { status, said } = await push(server, layer, 'in one request');
  expect([status, said]).toEqual([403, expect.stringContaining('could not be read')]);
  expect(await server.peakMiB()).toBeLessThan(limitMiB);
});
