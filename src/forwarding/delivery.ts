/** Sends a message to a destination: one connection, one try. Follows no redirect and reads no answer but its status. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect as connectTcp, isIP } from 'node:net';
import { finished } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import { Refused } from './faults.ts';
import type { Endpoint, Message } from './form.ts';

export interface Way {
  readonly endpoint: Endpoint;
  /** The address that was checked; the name is only told to the server. */
  readonly address: string;
  readonly signal: AbortSignal;
}

/** @throws Refused, the reason of an aborted signal, or an error of the connection */
export async function deliver(message: Message, way: Way): Promise<void> {
  // A listener added after the abort is never called.
  way.signal.throwIfAborted();
  if (message.type === 'stream') return deliverBytes(message.body, way);
  const { status, retryAfter } = await post(message, way);
  if (status >= 200 && status < 300) return;
  // Of the other answers, these may change without new settings.
  const mayPass = status === 408 || status === 429 || status >= 500;
  const seconds = Number(retryAfter);
  const retryAfterMs = Number.isInteger(seconds) && seconds > 0 ? seconds * 1000 : undefined;
  throw new Refused(`the destination answered ${status}`, !mayPass, retryAfterMs);
}

function post(
  { path, headers, body }: Extract<Message, { type: 'http' }>,
  { endpoint: { host, port, isTls }, address, signal }: Way,
): Promise<{ readonly status: number; readonly retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const request = (isTls ? requestHttps : requestHttp)({
      ...{ host: address, port, path, method: 'POST', signal, agent: false, maxHeaderSize: 16_384 },
      ...(isIP(host) === 0 ? { servername: host } : {}),
      headers: {
        ...headers,
        host: `${host.includes(':') ? `[${host}]` : host}:${port}`,
        'content-length': Buffer.byteLength(body),
        'user-agent': 'ward',
      },
    });
    request.on('response', (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      resolve({ status, retryAfter: answered['retry-after'] });
      response.destroy();
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function deliverBytes(
  body: string,
  { endpoint: { host, port, isTls }, address, signal }: Way,
): Promise<void> {
  const socket = isTls
    ? connectTls({ host: address, port, ...(isIP(host) === 0 ? { servername: host } : {}) })
    : connectTcp({ host: address, port });
  const stop = () => socket.destroy(new Refused('the destination took too long'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    // Nothing that a syslog server sends counts, but its end does.
    socket.resume();
    socket.end(body);
    await finished(socket);
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}
