/** Bodies of requests as bytes; also of methods that seldom have one, whose bodies Fastify does not read. */
import type { FastifyRequest } from 'fastify';
import { tooLarge } from '../../functions/index.ts';

/** @throws Fault ENTITY_TOO_LARGE */
type BodyReader = (request: FastifyRequest) => Promise<Buffer | undefined>;

export function bodyReader(maxBytes: number): BodyReader {
  return async (request) => {
    if (Buffer.isBuffer(request.body)) return request.body;
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    const hasBody = encoding !== undefined || (length !== undefined && length !== '0');
    if (!hasBody || request.raw.readableEnded) return undefined;
    if (Number(length) > maxBytes) throw tooLarge('Request', Number(length), maxBytes);
    return collect(request.raw, maxBytes);
  };
}

async function collect(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge('Request', bytes, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
