/**
 * Requests and answers of HTTP/2 in the form of those of HTTP/1.1, for code that knows only these. Node's own
 * compatibility classes differ in ways that matter:
 *
 * - Their headers have `:path` and its like, and no `host`.
 * - A body without a length shows in no header.
 * - A body that breaks off looks like one that has ended.
 * - The socket is a stand-in, which is not the same object for all requests of a connection.
 * - An answer does not tell that it is destroyed, and throws for headers that HTTP/2 does not have.
 */
import {
  constants,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Readable, ReadableOptions, Writable } from 'node:stream';

/** Connections by their sessions, which show no socket that can be compared. */
export const socketsOfSessions = new WeakMap<object, Socket>();

/** Of one hop only, which HTTP/2 does not have (RFC 9113, section 8.2.2). */
const hopHeaders: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings', 'te'],
]);

type RequestArguments = [ServerHttp2Stream, IncomingHttpHeaders, ReadableOptions, readonly string[]];

/** Without the getters, which Node's types call fields, so that no subclass can have its own. */
const PlainRequest = Http2ServerRequest as unknown as new (
  ...given: RequestArguments
) => Readable & { readonly stream: ServerHttp2Stream };

const PlainResponse = Http2ServerResponse as unknown as new (
  stream: ServerHttp2Stream,
) => Pick<Writable, 'write' | 'end'> & {
  readonly stream: ServerHttp2Stream;
  writeHead(status: number, headers?: OutgoingHttpHeaders): unknown;
  setHeader(name: string, value: number | string | readonly string[]): void;
};

export class Http2Request extends PlainRequest {
  readonly headers: IncomingHttpHeaders;
  /** The connection of TLS, with all requests on it. */
  readonly socket: Socket | undefined;

  constructor(...[stream, headers, options, rawHeaders]: RequestArguments) {
    super(stream, headers, options, rawHeaders);
    this.headers = http1Headers(headers, !stream.endAfterHeaders);
    this.socket = stream.session && socketsOfSessions.get(stream.session);
    stream.on('aborted', () => this.#breakOff());
    // Before Node ends this request too.
    stream.prependListener('end', () => {
      if (stream.closed && !stream.writableEnded) this.#breakOff();
    });
  }

  /** True when nothing more can arrive. */
  get complete(): boolean {
    return this.readableEnded || this.destroyed || this.stream.destroyed || this.stream.endAfterHeaders;
  }

  /** Without a byte on the connection, as in HTTP/1.1. */
  setTimeout(ms: number): this {
    this.stream.session?.setTimeout(ms);
    return this;
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const isWhole = this.readableEnded || this.stream.endAfterHeaders;
    if (!isWhole && !this.stream.closed) this.stream.close(constants.NGHTTP2_CANCEL);
    // It may be that nobody reads the body any more.
    callback(this.listenerCount('error') > 0 ? error : null);
  }

  #breakOff(): void {
    if (!this.readableEnded) this.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
  }
}

export class Http2Response extends PlainResponse {
  get destroyed(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  override writeHead(status: number, headers: OutgoingHttpHeaders = {}): this {
    const kept = Object.entries(headers).filter(([name]) => !hopHeaders.has(name.toLowerCase()));
    super.writeHead(status, Object.fromEntries(kept));
    return this;
  }

  override setHeader(name: string, value: number | string | readonly string[]): void {
    if (!hopHeaders.has(name.toLowerCase())) super.setHeader(name, value);
  }
}

function http1Headers(headers: IncomingHttpHeaders, hasBody: boolean): IncomingHttpHeaders {
  const { ':authority': authority, ...rest } = headers;
  const own = Object.entries(rest).filter(([name]) => !name.startsWith(':'));
  const isEndless = hasBody && rest['content-length'] === undefined;
  return {
    ...Object.fromEntries(own),
    ...(authority !== undefined && { host: authority }),
    ...(isEndless && { 'transfer-encoding': 'chunked' }),
  };
}
