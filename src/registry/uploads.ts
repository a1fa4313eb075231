/** Serves uploads of blobs: whole, in chunks, and mounted from another repository. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Digest, parseAnyDigest, type SecondName } from '../blobs/index.ts';
import {
  type ExpectedChunk,
  isRepositoryName,
  namespaceOfRepository,
  type RegistryStore,
  type RepositoryName,
  type Upload,
} from '../content/index.ts';
import { isFault } from '../lib/index.ts';
import { blobsShownTo } from './access.ts';
import { parseContentRange } from './byte-range.ts';
import { announcedLength, byMethod, type Exchange, hasBody } from './exchange.ts';
import { registryFault } from './faults.ts';
import type { Target } from './target.ts';
import type { PushGate } from './types.ts';
import type { UploadSlots } from './upload-slots.ts';

interface UploadsContext {
  readonly store: RegistryStore;
  readonly gate: Pick<PushGate, 'uploadBegun' | 'blobArrived'> | undefined;
  readonly slots: UploadSlots;
}

type UploadsTarget = Extract<Target, { readonly of: 'uploads' }>;
type UploadTarget = Extract<Target, { readonly of: 'upload' }>;

export function serveUploads(
  context: UploadsContext,
  exchange: Exchange,
  { repository }: UploadsTarget,
): Promise<FastifyReply> {
  return byMethod(exchange, { POST: () => begin(context, exchange, repository) });
}

export function serveUpload(
  context: UploadsContext,
  exchange: Exchange,
  { repository, id }: UploadTarget,
): Promise<FastifyReply> {
  const { request, reply } = exchange;
  const find = () => context.store.upload(repository, id);
  return byMethod(exchange, {
    GET: async () => progress(reply, await find(), 204),
    PATCH: async () => {
      const upload = await find();
      await append(context, upload, request, reply);
      return progress(reply, upload, 202);
    },
    PUT: async () => {
      const digest = wantedDigest(exchange);
      const upload = await find();
      if (hasBody(request)) await append(context, upload, request, reply);
      return finish(context, upload, digest, reply);
    },
    DELETE: async () => {
      await (await find()).cancel();
      return reply.code(204).send();
    },
  });
}

async function begin(
  context: UploadsContext,
  exchange: Exchange,
  repository: RepositoryName,
): Promise<FastifyReply> {
  const { request, reply, query } = exchange;
  const algorithm = query.get('digest-algorithm') ?? 'sha256';
  if (algorithm !== 'sha256' && algorithm !== 'sha512')
    throw registryFault('DIGEST_UNSUPPORTED', 'the digest algorithm must be sha256 or sha512');
  if (query.has('mount') && (await mount(context, exchange, repository))) return reply;
  context.gate?.uploadBegun();
  if (!query.has('digest')) return progress(reply, await context.store.startUpload(repository), 202);
  const digest = wantedDigest(exchange);
  const upload = await context.store.startUpload(repository);
  try {
    await append(context, upload, request, reply);
  } catch (error) {
    await upload.cancel();
    throw error;
  }
  return finish(context, upload, digest, reply);
}

/** Returns false when the client must send the bytes: they do not exist, or the client can't read them. */
async function mount(
  { store, gate }: UploadsContext,
  { reply, query, visitor }: Exchange,
  repository: RepositoryName,
): Promise<boolean> {
  const name = parseAnyDigest(query.get('mount') ?? '');
  const from = query.get('from') ?? undefined;
  if (from !== undefined && !(isRepositoryName(from) && visitor.judge('pull', from) === 'yes')) return false;
  // Without `from`, it is a repository of the namespace to which this client pushes.
  const which = from === undefined ? 'any' : blobsShownTo(visitor, from);
  const digest = await store.resolveDigest(name);
  if (digest === undefined || !(await store.mountBlob(repository, digest, from, which))) return false;
  gate?.blobArrived(repository, digest);
  created(reply, repository, name);
  return true;
}

/** Answers a chunk with a wrong offset with the right offset. */
async function append(
  { slots }: UploadsContext,
  upload: Upload,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const expected = expectedChunk(request);
  const release = slots.take(namespaceOfRepository(upload.repository));
  try {
    await upload.append(request.raw, expected);
  } catch (error) {
    if (isFault(error, 'UPLOAD_OUT_OF_ORDER')) reply.headers(progressHeaders(upload));
    throw error;
  } finally {
    release();
  }
}

function expectedChunk(request: FastifyRequest): ExpectedChunk {
  const range = parseContentRange(request.headers['content-range']);
  const announced = announcedLength(request);
  if (range === undefined) return { length: announced };
  const length = range.last - range.first + 1;
  if (announced === undefined || announced === length) return { at: range.first, length };
  throw registryFault(
    'CONTENT_RANGE_INVALID',
    `Content-Range declares ${length} bytes, and Content-Length ${announced}`,
  );
}

async function finish(
  { gate }: UploadsContext,
  upload: Upload,
  name: Digest | SecondName,
  reply: FastifyReply,
) {
  const digest = await upload.finish(name);
  gate?.blobArrived(upload.repository, digest);
  return created(reply, upload.repository, name);
}

function created(reply: FastifyReply, repository: RepositoryName, digest: Digest | SecondName): FastifyReply {
  return reply
    .code(201)
    .headers({ location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest })
    .send();
}

function progress(reply: FastifyReply, upload: Upload, status: number): FastifyReply {
  return reply.code(status).headers(progressHeaders(upload)).send();
}

/** Returns `0-0` for an empty upload as well, since clients expect two numbers. */
function progressHeaders({ id, repository, size }: Upload) {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(0, size - 1)}`,
    'docker-upload-uuid': id,
  };
}

/** @throws Fault DIGEST_INVALID */
function wantedDigest({ query }: Exchange): Digest | SecondName {
  return parseAnyDigest(query.get('digest') ?? '');
}
