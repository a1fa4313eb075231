import type { FastifyReply } from 'fastify';
import type { WebAnswer } from './answer.ts';

/** As bytes: Fastify would add a charset to the type of what is JSON and a string. */
export function send(reply: FastifyReply, { status, headers, body }: WebAnswer): FastifyReply {
  return reply
    .code(status)
    .headers(headers)
    .send(typeof body === 'string' ? Buffer.from(body) : body);
}
