/**
 * What a client still sends after it was refused is read and dropped for a while: if the connection were closed at
 * once, many clients would see that, and not the answer.
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
