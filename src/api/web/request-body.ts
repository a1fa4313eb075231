/** Reads a body as bytes, also for methods that seldom have one and whose bodies Fastify does not read. */
import type { FastifyRequest } from 'fastify';
import { tooLarge } from '../../functions/index.ts';
import { collectUpTo } from '../../lib/index.ts';

/** @throws Fault ENTITY_TOO_LARGE */
type BodyReader = (request: FastifyRequest) => Promise<Buffer | undefined>;

export function bodyReader(maxBytes: number): BodyReader {
  return async (request) => {
    if (Buffer.isBuffer(request.body)) return request.body;
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    const hasBody = encoding !== undefined || (length !== undefined && length !== '0');
    if (!hasBody || request.raw.readableEnded) return undefined;
    if (Number(length) > maxBytes) throw tooLarge('Request', Number(length), maxBytes);
    return collectUpTo(request.raw, maxBytes, (bytes) => tooLarge('Request', bytes, maxBytes));
  };
}
