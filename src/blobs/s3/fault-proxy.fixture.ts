/** A proxy in front of an S3 server that breaks chosen requests, as networks, full servers and broken ones do. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export type Breakage =
  /** Ends the connection after this number of bytes of the request. */
  | { readonly kind: 'cut-request'; readonly after: number }
  /** Ends the connection after this number of bytes of the answer. */
  | { readonly kind: 'cut-answer'; readonly after: number }
  /** Begins the answer, sends this number of bytes, and no more. */
  | { readonly kind: 'stall'; readonly after: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Asks the server only after this, even if the client has left. */
  | { readonly kind: 'late'; readonly until: Promise<void> }
  /** Sends the answer in this number of pieces, with a pause after each. */
  | { readonly kind: 'trickle'; readonly pieces: number; readonly everyMs: number }
  /** Never answers. */
  | { readonly kind: 'silence' }
  /** Answers without asking the server. */
  | { readonly kind: 'instead'; readonly status: number; readonly body: string }
  /** Changes the answer of the server; the announced length is that of the result. */
  | { readonly kind: 'change'; readonly change: (body: Buffer) => Buffer }
  /** Asks the server for another path. */
  | { readonly kind: 'other'; readonly path: string }
  /** Refuses bytes that are not those whose hash was signed, as S3 does. */
  | { readonly kind: 'hash' };

export interface Request {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  /** Every request so far. */
  readonly requests: Request[];
  /** Decides about each request from now on; undefined: it passes. */
  breakage: (request: Request) => Breakage | undefined;
  /** Each answer of the server waits for this. */
  hold: (request: Request) => Promise<void>;
}

export const slowDown: Breakage = {
  kind: 'instead',
  status: 503,
  body: '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
};

const wrongHash = {
  kind: 'instead',
  status: 400,
  body: '<Error><Code>XAmzContentSHA256Mismatch</Code><Message>The hash does not match.</Message></Error>',
} as const;

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const server = createServer((asked, answer) => {
    const seen = { method: asked.method ?? '', path: asked.url ?? '', headers: asked.headers };
    proxy.requests.push(seen);
    const breakage = proxy.breakage(seen);
    serve(target, asked, answer, { breakage, hold: () => proxy.hold(seen) }).catch(() => asked.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    breakage: () => undefined,
    hold: async () => {},
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

async function serve(
  target: string,
  asked: IncomingMessage,
  answer: ServerResponse,
  { breakage, hold }: { readonly breakage: Breakage | undefined; readonly hold: () => Promise<void> },
): Promise<void> {
  if (breakage?.kind === 'silence') return;
  if (breakage?.kind === 'cut-request') return cutRequest(asked, breakage.after);
  const sent = await buffer(asked);
  if (breakage?.kind === 'instead') return answerInstead(answer, breakage);
  if (breakage?.kind === 'hash' && !hasSignedHash(asked, sent)) return answerInstead(answer, wrongHash);
  if (breakage?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, breakage.ms));
  if (breakage?.kind === 'late') await breakage.until;
  const path = breakage?.kind === 'other' ? breakage.path : asked.url;
  const { got, body } = await forward(target, asked, path, sent);
  await hold();
  const changed = breakage?.kind === 'change' ? breakage.change(body) : body;
  const isHead = asked.method === 'HEAD';
  const length = isHead ? got.headers['content-length'] : String(changed.length);
  // The answer is sent whole, also where the store sends it in chunks.
  const { 'transfer-encoding': _, ...headers } = got.headers;
  answer.writeHead(got.statusCode ?? 500, { ...headers, ...(length && { 'content-length': length }) });
  if (breakage?.kind === 'trickle') return trickle(answer, changed, breakage);
  if (breakage?.kind !== 'cut-answer' && breakage?.kind !== 'stall') return void answer.end(changed);
  answer.write(changed.subarray(0, breakage.after), () => {
    if (breakage.kind === 'cut-answer') answer.destroy();
  });
}

function answerInstead(
  answer: ServerResponse,
  { status, body }: Extract<Breakage, { kind: 'instead' }>,
): void {
  answer.writeHead(status, { 'content-type': 'application/xml' });
  answer.end(body);
}

function hasSignedHash({ headers }: IncomingMessage, sent: Buffer): boolean {
  return headers['x-amz-content-sha256'] === createHash('sha256').update(sent).digest('hex');
}

async function trickle(
  answer: ServerResponse,
  body: Buffer,
  { pieces, everyMs }: Extract<Breakage, { kind: 'trickle' }>,
): Promise<void> {
  const length = Math.ceil(body.length / pieces);
  for (let at = 0; at < body.length; at += length) {
    answer.write(body.subarray(at, at + length));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  answer.end();
}

function cutRequest(asked: IncomingMessage, after: number): void {
  let bytes = 0;
  asked.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes >= after) asked.socket.destroy();
  });
}

async function forward(
  target: string,
  { method, headers }: IncomingMessage,
  path: string | undefined,
  sent: Buffer,
): Promise<{ readonly got: IncomingMessage; readonly body: Buffer }> {
  const to = request(new URL(path ?? '/', target), { method: method ?? 'GET', headers });
  to.end(sent);
  const [got]: IncomingMessage[] = await once(to, 'response');
  if (got === undefined) throw new Error('no response');
  return { got, body: await buffer(got) };
}
