/** An in-memory registry for tests with one repository: just enough for cosign to store and find signatures. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Digest, digestOf } from '../src/blobs/index.ts';
import { type Artifact, type ArtifactLayer, layersOf } from '../src/gate/index.ts';
import { newId } from '../src/lib/index.ts';

export interface TrustRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  push(artifact: Artifact): Digest;
  /** The layers of the manifest under a tag, with their contents; empty if the tag does not exist. */
  layers(tag: string): readonly ArtifactLayer[];
}

interface Stored {
  readonly mediaType: string;
  readonly content: Buffer;
}

export async function startTrustRegistry(): Promise<TrustRegistry> {
  const stored = new Map<string, Stored>();
  const keep = (name: string, mediaType: string, content: Buffer) => {
    const digest = digestOf(content);
    for (const key of [name, digest]) stored.set(key, { mediaType, content });
    return digest;
  };
  const server = createServer((request, response) => {
    void answer(request, response, stored, keep);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    host: `127.0.0.1:${address.port}`,
    push({ blobs, manifest, tag }) {
      for (const { digest, mediaType, content } of blobs) keep(digest, mediaType, content);
      return keep(tag ?? manifest.digest, manifest.mediaType, manifest.content);
    },
    layers(tag) {
      const manifest = stored.get(tag);
      if (manifest === undefined) return [];
      return layersOf(manifest.content).map(({ mediaType, digest, annotations = {} }) => ({
        mediaType,
        annotations,
        content: stored.get(digest)?.content ?? Buffer.alloc(0),
      }));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  stored: ReadonlyMap<string, Stored>,
  keep: (name: string, mediaType: string, content: Buffer) => Digest,
): Promise<void> {
  const body = await bodyOf(request);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://registry');
  const end = (status: number, headers: Record<string, string> = {}, content?: Buffer) => {
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : content);
  };
  const [, kind, name = ''] = /\/(manifests|blobs|referrers)\/([^/]*)(?:\/.*)?$/.exec(pathname) ?? [];
  if (pathname === '/v2/') return end(200);
  if (request.method === 'POST') return end(202, { location: `${pathname}${newId()}` });
  if (request.method === 'PATCH') {
    keep(pathname, 'application/octet-stream', body);
    return end(202, { location: pathname, range: `0-${body.length - 1}` });
  }
  if (request.method === 'PUT') {
    const isUpload = kind === 'blobs';
    const content = isUpload && body.length === 0 ? (stored.get(pathname)?.content ?? body) : body;
    const mediaType = request.headers['content-type'] ?? 'application/octet-stream';
    const digest = keep(isUpload ? (searchParams.get('digest') ?? '') : name, mediaType, content);
    return end(201, { 'docker-content-digest': digest, location: pathname });
  }
  const found = stored.get(name);
  if (found === undefined || kind === 'referrers') return end(404);
  return end(
    200,
    {
      'content-type': found.mediaType,
      'content-length': String(found.content.length),
      'docker-content-digest': digestOf(found.content),
    },
    found.content,
  );
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
