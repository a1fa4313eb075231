/** A request during its handling. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Visitor } from './access.ts';
import { registryFault } from './faults.ts';

export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly query: URLSearchParams;
  readonly visitor: Visitor;
}

type Serve = () => Promise<FastifyReply> | FastifyReply;

/** Serves by the request's method. @throws Fault METHOD_UNSUPPORTED */
export async function byMethod(
  { request, reply }: Pick<Exchange, 'request' | 'reply'>,
  methods: Readonly<Record<string, Serve>>,
): Promise<FastifyReply> {
  const serve = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
  if (serve !== undefined) return serve();
  reply.header('allow', Object.keys(methods).join(', '));
  throw registryFault('METHOD_UNSUPPORTED', `this path does not support ${request.method}`);
}

/** The length of the body, if the client announces it. */
export function announcedLength({ headers }: FastifyRequest): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

export function hasBody(request: FastifyRequest): boolean {
  return request.headers['transfer-encoding'] !== undefined || (announcedLength(request) ?? 0) > 0;
}

/** Whether the client already has what it requests. */
export function isCached({ headers }: FastifyRequest, etag: string): boolean {
  const held = headers['if-none-match'];
  return held?.split(',').some((each) => each.trim().replace(/^W\//, '') === etag) ?? false;
}

export function sendJson(
  reply: FastifyReply,
  value: unknown,
  contentType = 'application/json',
): FastifyReply {
  return reply.header('content-type', contentType).send(Buffer.from(JSON.stringify(value)));
}
