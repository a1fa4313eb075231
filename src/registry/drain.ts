/**
 * Reads and drops, for a while, what a client still sends after a refusal. If Ward closed the connection at once, many
 * clients would report that instead of the answer.
 */
import type { FastifyRequest } from 'fastify';

export function drain({ raw }: FastifyRequest, lingerMs: number): void {
  if (raw.complete) return;
  const timer = setTimeout(() => raw.socket.destroy(), lingerMs);
  timer.unref();
  for (const end of ['end', 'close']) raw.once(end, () => clearTimeout(timer));
  raw.on('error', () => {});
  raw.resume();
}
