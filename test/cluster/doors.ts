/**
 * Addresses of 127.0.0.1 that lead into another network namespace. The outer process, which has the machine's network,
 * starts the inner one in a namespace of its own, and opens a port for each address that the inner one asks for. Between
 * the two are sockets in the file system, which belong to no network.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startCommand } from '../../src/lib/index.ts';
import { pass, portOf } from './sockets.ts';

const asked = z.object({ socket: z.string() });
const opened = z.object({ socket: z.string(), port: z.number() });

/** Runs a command in a network namespace of its own, and returns its exit code. */
export async function runInNetwork(argv: readonly string[]): Promise<number> {
  const servers: Server[] = [];
  const child = startCommand(['unshare', '--net', '--', ...argv], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  child.on('message', async (message) => {
    const { socket } = asked.parse(message);
    const server = createServer((from) => pass(from, connect(socket)));
    servers.push(server);
    child.send({ socket, port: await portOf(server) });
  });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => child.kill(name));
  const [code] = await once(child, 'exit');
  for (const server of servers) server.close();
  return code ?? 1;
}

/** Opens doors from inside. The process must have been started by `runInNetwork`. */
export async function openDoors(): Promise<AsyncDisposable & { to(url: string): Promise<string> }> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-doors-'));
  const servers: Server[] = [];
  return {
    /** Returns the URL that leads there from the machine's network. */
    async to(url) {
      const { hostname, port } = new URL(url);
      const socket = join(folder, String(servers.length));
      const server = createServer((from) => pass(from, connect(Number(port), hostname)));
      servers.push(server);
      server.listen(socket);
      await once(server, 'listening');
      const answer = new Promise<number>((resolve) => {
        const hear = (message: unknown) => {
          const said = opened.parse(message);
          if (said.socket !== socket) return;
          process.off('message', hear);
          resolve(said.port);
        };
        process.on('message', hear);
      });
      process.send?.({ socket });
      return `http://127.0.0.1:${await answer}`;
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) server.close();
      await rm(folder, { recursive: true });
      process.disconnect?.();
    },
  };
}
