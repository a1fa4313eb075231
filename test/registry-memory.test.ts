/**
 * The registry's memory stays as it is, however long a layer is, with the gate that scans it as well.
 * `WARD_LAYER_MIB=2048 node scripts/test.ts test/registry-memory.test.ts` takes a larger one.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
import { digestOf } from '../src/images/index.ts';
import { startCommand } from '../src/lib/index.ts';

const mebibyte = 1024 * 1024;
/** More than the registry may ever have in memory. */
const layerMiB = Number(process.env['WARD_LAYER_MIB'] ?? 512);
const timeout = 30_000 + layerMiB * 100;
const fileMiB = 64;
const chunkBytes = 100 * mebibyte;
const layerType = 'application/vnd.oci.image.layer.v1.tar';

/** A tar of files that are cheap to make. */
function layer(): Readable {
  const archive = pack();
  const piece = Buffer.alloc(mebibyte, 'layer');
  const write = async () => {
    for (let at = 0; at < layerMiB; at += fileMiB) {
      const entry = archive.entry({ name: `data/${at}`, size: fileMiB * mebibyte, mtime: new Date(0) });
      await pipeline(Readable.from(Array<Buffer>(fileMiB).fill(piece)), entry);
    }
    archive.finalize();
  };
  write().catch((error) => archive.destroy(error));
  return Readable.from(archive);
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

/** In pieces of a request each, and a last one that only says what it was. */
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

it.each([
  { mode: 'bare', way: 'in one request', limitMiB: 300 },
  { mode: 'bare', way: 'in chunks', limitMiB: 300 },
  { mode: 'gated', way: 'in one request', limitMiB: 450 },
])(
  'takes and gives a layer that is larger than its memory: $mode, $way',
  { timeout },
  async ({ mode, way, limitMiB }) => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-registry-memory-'));
    const program = fileURLToPath(new URL('./registry-server.ts', import.meta.url));
    const argv = [process.execPath, program, folder, mode];
    const child = startCommand(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      if (child.stdout === null) throw new Error('no stdout');
      const [ready] = await once(createInterface({ input: child.stdout }), 'line');
      const url = String(ready).replace('ready ', '');
      const begin = async () => {
        const { headers } = await call('POST', new URL('/v2/guest/app/blobs/uploads/', url));
        return new URL(String(headers.location), url);
      };
      const { digest, size } = await described(layer());
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
      const accepted = await call('PUT', new URL('/v2/guest/app/manifests/v1', url), bytes, mediaType);
      expect(accepted.statusCode, await text(accepted)).toBe(201);
      const blob = await call('GET', new URL(`/v2/guest/app/blobs/${digest}`, url));
      expect(await described(blob)).toEqual({ digest, size });
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      const highestMiB = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
      console.log(`${mode}, ${way}: ${Math.round(highestMiB)} MiB for a layer of ${layerMiB} MiB`);
      expect(highestMiB).toBeLessThan(limitMiB);
    } finally {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    }
  },
);
