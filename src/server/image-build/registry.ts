/** A small client of the distribution API, for signing and for pushes to Ward's own registry with a namespace's key. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { type Digest, digestOf, isDigest } from '../../blobs/index.ts';
import { messageOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';

interface RegistryClientOptions {
  readonly url: string;
  readonly repository: string;
  readonly auth: string;
  readonly insecure: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface FoundManifest {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

export interface RegistryClient {
  /** Undefined when it does not exist or this key can't see it. */
  getManifest(reference: string): Promise<FoundManifest | undefined>;
  /** Reads a small blob whole, checked against its digest. */
  getBlob(digest: Digest): Promise<Buffer>;
  /** The first manifests of this type with this subject; empty when the image does not exist. */
  referrers(subject: Digest, artifactType: string): Promise<readonly Digest[]>;
  hasBlob(digest: string): Promise<boolean>;
  putBlob(digest: string, sizeBytes: number, open: () => Readable | Buffer): Promise<void>;
  /** @throws Fault PUSH_REFUSED with the gate's own words */
  putManifest(reference: string, mediaType: string, bytes: Buffer): Promise<void>;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Readable | Buffer;
}

interface RegistryAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly bytes: Buffer;
}

/** A manifest may have 4 MiB. */
const maxAnswerBytes = 5 * 1024 * 1024;
/** A little longer than the gate's own limit. */
const idleMs = 20 * 60_000;
const errorsSchema = z.object({ errors: z.array(z.object({ message: z.string() })).min(1) });

const mostReferrers = 50;
const referrersSchema = z.object({
  manifests: z
    .array(
      z.object({ digest: z.string().refine(isDigest, 'not a digest'), artifactType: z.string().optional() }),
    )
    .max(10_000),
});

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { repository } = options;
  const ask = (call: Call) => exchange(options, call);
  return {
    async getManifest(reference) {
      const answer = await ask({ method: 'GET', path: `/v2/${repository}/manifests/${reference}` });
      if (answer.status === 404) return undefined;
      const { bytes } = mustSucceed(options, answer, 200);
      return { digest: digestOf(bytes), bytes };
    },
    async getBlob(digest) {
      const { bytes } = mustSucceed(
        options,
        await ask({ method: 'GET', path: `/v2/${repository}/blobs/${digest}` }),
        200,
      );
      if (digestOf(bytes) === digest) return bytes;
      throw failed(options, `it sent something other than the blob ${digest}`);
    },
    async referrers(subject, artifactType) {
      const query = new URLSearchParams({ artifactType, n: String(mostReferrers) });
      const path = `/v2/${repository}/referrers/${subject}?${query}`;
      const { bytes } = mustSucceed(options, await ask({ method: 'GET', path }), 200);
      const { manifests } = listIn(options, bytes);
      return manifests.flatMap(({ digest, artifactType: its }) => (its === artifactType ? [digest] : []));
    },
    async hasBlob(digest) {
      const { status } = await ask({ method: 'HEAD', path: `/v2/${repository}/blobs/${digest}` });
      return status === 200;
    },
    async putBlob(digest, sizeBytes, open) {
      const begun = await ask({
        method: 'POST',
        path: `/v2/${repository}/blobs/uploads/`,
        headers: { 'content-length': 0 },
      });
      const location = mustSucceed(options, begun, 202).location;
      if (location === undefined) throw failed(options, 'it sent no location for an upload');
      const place = new URL(location, options.url);
      place.searchParams.set('digest', digest);
      const headers = { 'content-type': 'application/octet-stream', 'content-length': sizeBytes };
      const path = `${place.pathname}${place.search}`;
      mustSucceed(options, await ask({ method: 'PUT', path, headers, body: open() }), 201);
    },
    async putManifest(reference, mediaType, bytes) {
      const headers = { 'content-type': mediaType, 'content-length': bytes.length };
      const path = `/v2/${repository}/manifests/${reference}`;
      mustSucceed(options, await ask({ method: 'PUT', path, headers, body: bytes }), 201);
    },
  };
}

function mustSucceed(options: RegistryClientOptions, answer: RegistryAnswer, wanted: number): RegistryAnswer {
  if (answer.status === wanted) return answer;
  const said = messageIn(answer.bytes);
  if (answer.status === 401 || answer.status === 403)
    throw serverFault('PUSH_REFUSED', said ?? 'the push was refused');
  // Ward gives a reason; a proxy in front of it gives only a status.
  throw said === undefined ? strangeAnswer(options, answer) : failed(options, said);
}

function listIn(options: RegistryClientOptions, bytes: Buffer): z.infer<typeof referrersSchema> {
  try {
    return referrersSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw failed(options, 'the registry can’t list what is attached to the image', cause);
  }
}

function messageIn(bytes: Buffer): string | undefined {
  try {
    const [first] = errorsSchema.parse(JSON.parse(bytes.toString('utf8'))).errors;
    return first?.message.slice(0, 2000);
  } catch {
    return undefined;
  }
}

async function exchange(
  options: RegistryClientOptions,
  { method, path, headers, body }: Call,
): Promise<RegistryAnswer> {
  const url = new URL(`${options.url}${path}`);
  const authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const isTls = url.protocol === 'https:';
  const start = isTls ? httpsRequest : httpRequest;
  const sent = start(url, {
    method,
    headers: { authorization, 'user-agent': 'ward-cli', ...headers },
    timeout: idleMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(isTls ? { rejectUnauthorized: !options.insecure } : {}),
  });
  sent.on('timeout', () => sent.destroy(new Error('it did not answer')));
  try {
    return await read(await send(sent, body));
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw failed(options, messageOf(cause), cause);
  }
}

/** A refusal may arrive before everything is sent: then the connection breaks, and the answer counts. */
function send(sent: ClientRequest, body: Readable | Buffer | undefined): Promise<IncomingMessage> {
  return new Promise((done, failed) => {
    sent.on('response', done);
    sent.on('error', failed);
    if (body instanceof Readable) pipeline(body, sent).catch(failed);
    else sent.end(body);
  });
}

async function read(response: IncomingMessage): Promise<RegistryAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size <= maxAnswerBytes) chunks.push(chunk);
  }
  const { statusCode: status = 0, headers } = response;
  return { status, location: headers.location, bytes: Buffer.concat(chunks) };
}

function strangeAnswer({ url }: RegistryClientOptions, { status }: RegistryAnswer) {
  return serverFault('PUSH_FAILED', `could not push to ${url}: a proxy answered ${status}, not Ward`, {
    hint:
      status === 413
        ? 'let larger bodies through the proxy: client_max_body_size in nginx'
        : 'check where the proxy in front of Ward sends requests, and how long it waits for an answer',
  });
}

function failed({ url }: RegistryClientOptions, why: string, cause?: unknown) {
  return serverFault('PUSH_FAILED', `could not push to ${url}: ${why}`, {
    hint: 'check that ward up runs there, and push again: layers that the registry already has are not sent again',
    ...(cause === undefined ? {} : { cause }),
  });
}
