/** Ports for programs that can't say which one the kernel chose for them. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * The first and the last port to choose from. They lie below those that Linux gives to connections, which would
 * sometimes take a port before its program listens, or while the program starts again.
 */
const [first, last] = [12_000, 32_000];

/** Returns ports of 127.0.0.1 where nothing listens. */
export async function freePorts(count: number): Promise<readonly number[]> {
  // They are held until all are found, so that they differ.
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = first + Math.floor(Math.random() * (last - first));
    const server = createServer();
    server.listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((closed) => server.close(closed))));
  return [...held.keys()];
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
