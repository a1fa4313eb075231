/** Connections that are passed on. */
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Passes bytes on in both directions. The end of the one is the end of the other.
 * @param between makes a stream that the bytes of one direction go through
 */
export function pass(one: Socket, other: Socket, between?: () => Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const last = between === undefined ? from : from.pipe(between());
    last.pipe(to);
    from.on('error', () => {});
    last.on('close', () => to.destroy());
    // What still goes through the stream between them arrives, unless the connection broke.
    from.on('close', () => {
      if (!from.readableEnded) to.destroy();
    });
  }
}

/** Lets it listen on a port of 127.0.0.1 that the kernel chooses. */
export async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
