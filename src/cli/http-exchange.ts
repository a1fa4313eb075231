/** One HTTP request, up to the head of its answer. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { collectUpTo } from '../lib/index.ts';

interface ExchangeOptions {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Ends the exchange, even in the middle of an answer. */
  readonly signal: AbortSignal;
  /** Accepts any certificate. */
  readonly insecure: boolean;
}

export interface Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
}

export function openExchange(options: ExchangeOptions): Promise<Exchange> {
  const { url, method, signal } = options;
  const body = options.body === undefined ? undefined : Buffer.from(options.body);
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = start(url, {
      method,
      signal,
      ...(options.insecure ? { rejectUnauthorized: false } : {}),
      headers: { ...options.headers, ...(body === undefined ? {} : { 'Content-Length': body.byteLength }) },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
    });
    request.end(body);
  });
}

/** The rest of an answer, as text. @throws Error when it is larger than `maxBytes` */
export async function readText(exchange: Exchange, maxBytes: number): Promise<string> {
  const bytes = await collectUpTo(exchange.body, maxBytes, () => new Error(`more than ${maxBytes} bytes`));
  return bytes.toString('utf8');
}
