/**
 * Sends browsers that come by plain HTTP to https. It does so only for requests that carry nothing secret: a client that
 * sent a key would get its answer over TLS, and nobody would notice that the key goes over the network in clear each
 * time. Such a request is refused, with a word about the key.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { newTransactionId } from '../transaction.ts';

interface RedirectOptions {
  /** @param host that the client named, without its port */
  originFor(host: string | undefined): string;
  /** What an authority of certificates hears for its token (RFC 8555, section 8.3). Never rejects. */
  wordOf(token: string): Promise<string | undefined>;
  /** Called at most once a minute. @param from the address of the client */
  onKeyInClear(from: string | undefined): void;
}

const limits = { headBytes: 8192, headTimeoutMs: 5000, connections: 256, sweepMs: 1000 };
const betweenWordsMs = 60_000;
const challenges = '/.well-known/acme-challenge/';

/** Does not listen yet. */
export function createRedirect({ originFor, wordOf, onKeyInClear }: RedirectOptions): Server {
  let saidAt = Number.NEGATIVE_INFINITY;
  const server = createServer(
    {
      maxHeaderSize: limits.headBytes,
      headersTimeout: limits.headTimeoutMs,
      requestTimeout: limits.headTimeoutMs,
      connectionsCheckingInterval: limits.sweepMs,
    },
    async (request, response) => {
      response.shouldKeepAlive = false;
      const id = newTransactionId();
      response.setHeader('x-request-id', id);
      const { method, url = '/', headers } = request;
      const word = url.startsWith(challenges) ? await wordOf(url.slice(challenges.length)) : undefined;
      if (word !== undefined) {
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(word);
        return;
      }
      const isRead = method === 'GET' || method === 'HEAD';
      if (isRead && url.startsWith('/') && !carriesKey(request)) {
        response.writeHead(308, { location: `${originFor(hostIn(headers.host))}${url}` }).end();
        return;
      }
      if (carriesKey(request) && performance.now() - saidAt >= betweenWordsMs) {
        saidAt = performance.now();
        onKeyInClear(request.socket.remoteAddress);
      }
      const body = JSON.stringify({
        error: `This port only leads to ${originFor(hostIn(headers.host))}, which takes this request.`,
        code: id,
        hint: 'use https://; replace a key that the request carried, as others may have read it',
      });
      response.writeHead(403, { 'content-type': 'application/json' }).end(body);
    },
  );
  server.maxConnections = limits.connections;
  server.setTimeout(limits.headTimeoutMs);
  return server;
}

/** The path of a webhook is its key. */
function carriesKey({ headers, url = '' }: IncomingMessage): boolean {
  return headers.authorization !== undefined || url.startsWith('/webhooks/');
}

function hostIn(text = ''): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9.-]{1,253})(?::\d{1,5})?$/i.exec(text)?.[1]?.replace(/^\[|\]$/g, '');
}
