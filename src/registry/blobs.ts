/** Downloads of blobs, whole and in part. */
import type { FastifyReply } from 'fastify';
import type { RegistryStore } from '../images/index.ts';
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
      await store.deleteBlob(target.repository, target.digest);
      return exchange.reply.code(202).send();
    },
  });
}

async function download(
  store: RegistryStore,
  { request, reply }: Exchange,
  { repository, digest }: BlobTarget,
): Promise<FastifyReply> {
  const size = await store.blobSize(repository, digest);
  const etag = `"${digest}"`;
  reply.headers({
    'docker-content-digest': digest,
    etag,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
  });
  if (isCached(request, etag)) return reply.code(304).send();
  reply.header('content-type', 'application/octet-stream');
  // What is refused has these headers, too.
  reply.header('content-range', `bytes */${size}`);
  const condition = request.headers['if-range'];
  const range =
    condition === undefined || condition === etag ? parseRange(request.headers.range, size) : undefined;
  reply.removeHeader('content-range');
  if (request.method === 'HEAD') return reply.header('content-length', size).send();
  if (range === undefined) {
    return reply.header('content-length', size).send(await store.openBlob(digest));
  }
  const { first, last } = range;
  return reply
    .code(206)
    .headers({ 'content-length': last - first + 1, 'content-range': `bytes ${first}-${last}/${size}` })
    .send(await store.openBlob(digest, range));
}
