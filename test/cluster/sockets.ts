/** Connections that are passed on. */
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

/** Passes bytes on in both directions. The end of the one is the end of the other. */
export function pass(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => {});
    from.on('close', () => to.destroy());
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
