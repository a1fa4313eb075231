/** Downloads of blobs, whole and in part. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BlobCopier, ByteRange, Digest } from '../blobs/index.ts';
import { type RegistryStore, registryStoreFault } from '../content/index.ts';
import { blobsShownTo } from './access.ts';
import { parseRange } from './byte-range.ts';
import { byMethod, type Exchange, isCached } from './exchange.ts';
import type { Target } from './target.ts';

type BlobTarget = Extract<Target, { readonly of: 'blob' }>;

export function serveBlob(
  store: RegistryStore,
  exchange: Exchange,
  target: BlobTarget,
): Promise<FastifyReply> {
  return byMethod(exchange, {
    GET: () => download(store, exchange, target),
    HEAD: () => download(store, exchange, target),
    DELETE: async () => {
      await store.deleteBlob(target.repository, await digestOfTarget(store, target));
      return exchange.reply.code(202).send();
    },
  });
}

async function download(
  store: RegistryStore,
  { request, reply, visitor }: Exchange,
  target: BlobTarget,
): Promise<FastifyReply> {
  const { repository, digest: name } = target;
  const digest = await digestOfTarget(store, target);
  const size = await store.blobSize(repository, digest, blobsShownTo(visitor, repository));
  const etag = `"${name}"`;
  reply.headers({ 'docker-content-digest': name, etag, 'accept-ranges': 'bytes' });
  if (isCached(request, etag)) return reply.code(304).send();
  const range = request.method === 'HEAD' ? undefined : wantedRange(request, reply, etag, size);
  const { first, last } = range ?? { first: 0, last: size - 1 };
  reply.headers({
    'content-type': 'application/octet-stream',
    'content-length': last - first + 1,
    'cache-control': 'private, max-age=31536000, immutable',
  });
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${first}-${last}/${size}`);
  if (request.method === 'HEAD' || size === 0) return reply.send();
  await using blob = await store.blobCopier(digest, { first, last });
  return await sendPieces(reply, blob);
}

/** @throws Fault BLOB_UNKNOWN */
async function digestOfTarget(
  store: RegistryStore,
  { repository, digest: name }: BlobTarget,
): Promise<Digest> {
  const digest = await store.resolveDigest(name);
  if (digest !== undefined) return digest;
  throw registryStoreFault('BLOB_UNKNOWN', `${repository} has no blob ${name}`);
}

/** Reads the range; for one outside the blob, the answer names the blob's size. */
function wantedRange(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  etag: string,
  size: number,
): ByteRange | undefined {
  const condition = headers['if-range'];
  if (condition !== undefined && condition !== etag) return undefined;
  try {
    return parseRange(headers.range, size);
  } catch (error) {
    reply.header('content-range', `bytes */${size}`);
    throw error;
  }
}

/** Bypasses Fastify's streams: a piece can be reused once the kernel has it, and the streams can't tell when that is. */
async function sendPieces(reply: FastifyReply, blob: BlobCopier): Promise<FastifyReply> {
  const { raw } = reply.hijack();
  raw.statusCode = reply.statusCode;
  for (const [name, value] of Object.entries(reply.getHeaders())) raw.setHeader(name, value ?? '');
  try {
    await blob.copy(
      (bytes) =>
        new Promise((resolve, reject) => {
          raw.write(bytes, (error) => (error ? reject(error) : resolve()));
        }),
    );
    raw.end();
  } catch {
    // The client has disconnected, or the file is unreadable; either way the client must not take this for the whole
    // blob.
    raw.destroy();
  }
  return reply;
}
