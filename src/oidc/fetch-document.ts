/**
 * Reads a JSON document of an issuer. The connection goes to an address that was checked before, and is not resolved
 * again. Nothing is followed: not a redirect, not a proxy of the environment.
 */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { collectUpTo } from '../lib/index.ts';

export interface DocumentPlace {
  readonly url: URL;
  /** What to connect to. */
  readonly address: string;
  /** PEM of the authorities to trust instead of Node's. */
  readonly ca: string | undefined;
}

const mostBytes = 256 * 1024;

/** @throws Error for any answer that is not a JSON document */
export async function fetchDocument(place: DocumentPlace, signal: AbortSignal): Promise<unknown> {
  const answer = await ask(place, signal);
  try {
    const { statusCode, headers } = answer;
    if (statusCode !== 200) throw new Error(`the status is ${statusCode}`);
    if (headers['content-encoding'] !== undefined) throw new Error('the document is compressed');
    const bytes = await collectUpTo(answer, mostBytes, () => new Error(`more than ${mostBytes} bytes`));
    return JSON.parse(bytes.toString('utf8'));
  } finally {
    answer.destroy();
  }
}

function ask({ url, address, ca }: DocumentPlace, signal: AbortSignal): Promise<IncomingMessage> {
  const name = hostOf(url);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request({
    host: address,
    port: url.port === '' ? 443 : Number(url.port),
    path: url.pathname + url.search,
    headers: { host: url.host, accept: 'application/json', 'user-agent': 'ward' },
    agent: false,
    // An address in the URL has no SNI; Node then compares the certificate with the address.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    minVersion: 'TLSv1.2',
    maxHeaderSize: 16_384,
    ...(ca === undefined ? {} : { ca }),
    signal,
  });
  sent.once('response', resolve);
  sent.on('error', reject);
  sent.end();
  return promise;
}

/** The host of a URL, without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}
