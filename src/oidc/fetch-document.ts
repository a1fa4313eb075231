/**
 * Asks an issuer, mostly for a JSON document. The connection goes to an address that was checked before, and is not
 * resolved again. Nothing is followed: not a redirect, not a proxy of the environment.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
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

export interface Question {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface PlainAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

const mostBytes = 256 * 1024;
const forDocument: Question = { method: 'GET', headers: { accept: 'application/json' }, body: undefined };

/** @throws Error for any answer that is not a JSON document */
export async function fetchDocument(place: DocumentPlace, signal: AbortSignal): Promise<unknown> {
  const answer = await ask(place, forDocument, signal);
  const { statusCode } = answer;
  if (statusCode !== 200) {
    answer.destroy();
    throw new Error(`the status is ${statusCode}`);
  }
  return JSON.parse((await contentOf(answer)).toString('utf8'));
}

/** @throws Error when there is no answer, or a compressed or too large one */
export async function askIssuer(
  place: DocumentPlace,
  question: Question,
  signal: AbortSignal,
): Promise<PlainAnswer> {
  const answer = await ask(place, question, signal);
  const { statusCode: status = 0, headers } = answer;
  return { status, headers, bytes: await contentOf(answer) };
}

async function contentOf(answer: IncomingMessage): Promise<Buffer> {
  try {
    if (answer.headers['content-encoding'] !== undefined) throw new Error('the document is compressed');
    return await collectUpTo(answer, mostBytes, () => new Error(`more than ${mostBytes} bytes`));
  } finally {
    answer.destroy();
  }
}

function ask(
  { url, address, ca }: DocumentPlace,
  { method, headers, body }: Question,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const name = hostOf(url);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request({
    host: address,
    port: url.port === '' ? 443 : Number(url.port),
    path: url.pathname + url.search,
    method,
    headers: { ...headers, host: url.host, 'user-agent': 'ward' },
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
  sent.end(body);
  return promise;
}

/** The host of a URL, without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}
