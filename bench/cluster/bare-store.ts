/**
 * A store with just what Ward asks of S3 for a push and a pull, and nothing else: it keeps bytes in memory, and checks neither
 * signatures nor hashes. Ward could save what takes longer with it than with files. Prints its address.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

interface Target {
  readonly key: string;
  readonly query: URLSearchParams;
}

const objects = new Map<string, readonly Buffer[]>();
/** The parts of each upload by their numbers. */
const uploads = new Map<string, Map<number, readonly Buffer[]>>();
let lastUpload = 0;

const server = createServer((request, response) => {
  answer(request, response).catch(() => request.destroy());
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
console.log(`ready http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname: key, searchParams: query } = new URL(request.url ?? '/', 'http://store');
  const target = { key, query };
  const { method } = request;
  if (method === 'GET' || method === 'HEAD') return send(request, response, key);
  const body: Buffer[] = [];
  for await (const piece of request) body.push(piece);
  if (method === 'PUT') put(target, body);
  else if (method === 'DELETE') objects.delete(key);
  else if (method === 'POST') return void response.end(post(target));
  response.setHeader('etag', '"0"').end();
}

function put({ key, query }: Target, body: readonly Buffer[]): void {
  const parts = uploads.get(query.get('uploadId') ?? '');
  if (parts === undefined) objects.set(key, body);
  else parts.set(Number(query.get('partNumber')), body);
}

/** Begins or ends an upload in parts. */
function post({ key, query }: Target): string {
  const id = query.get('uploadId');
  if (id === null) {
    uploads.set(`${++lastUpload}`, new Map());
    return `<InitiateMultipartUploadResult><UploadId>${lastUpload}</UploadId></InitiateMultipartUploadResult>`;
  }
  const parts = [...(uploads.get(id) ?? [])].toSorted(([a], [b]) => a - b);
  uploads.delete(id);
  objects.set(
    key,
    parts.flatMap(([, body]) => body),
  );
  return '<CompleteMultipartUploadResult><ETag>"0"</ETag></CompleteMultipartUploadResult>';
}

function send({ method }: IncomingMessage, response: ServerResponse, key: string): void {
  const body = objects.get(key);
  if (body === undefined) {
    response.statusCode = 404;
    response.end(method === 'HEAD' ? '' : '<Error><Code>NoSuchKey</Code></Error>');
    return;
  }
  response.setHeader(
    'content-length',
    body.reduce((sum, { length }) => sum + length, 0),
  );
  if (method === 'GET') for (const piece of body) response.write(piece);
  response.end();
}
