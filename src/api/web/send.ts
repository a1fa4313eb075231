import type { FastifyReply } from 'fastify';
import type { WebAnswer } from './answer.ts';

/** Sends bytes: Fastify would add a charset to the type of a JSON string. */
export function send(reply: FastifyReply, { status, headers, body }: WebAnswer): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .send(typeof body === 'string' ? Buffer.from(body) : body);
}
