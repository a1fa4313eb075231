/** Private servers of NATS for tests, on random ports of this machine. Several are one cluster. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { runCommand, startCommand } from '../lib/index.ts';
import { type BusAddresses, parseBusAddresses } from './addresses.ts';

const program = '/usr/sbin/nats-server';
const timeoutMs = 30_000;

/** Why this machine has none, or undefined. */
export async function missingForNats(): Promise<string | undefined> {
  const found = await runCommand([program, '--version']).catch(() => undefined);
  return found?.code === 0 ? undefined : 'nats-server is not installed';
}

export interface NatsServers extends AsyncDisposable {
  /** The setting `bus:`. */
  readonly setting: string;
  readonly addresses: BusAddresses;
  /** Kills a server at once. */
  kill(index?: number): Promise<void>;
  /** Stops a server without an end of its connections, until the returned object is disposed. */
  pause(index?: number): Disposable;
  /** Starts a killed server on its old port. */
  restart(index?: number): Promise<void>;
}

/** @param more further arguments of the program, such as `--user` */
export async function startNats(count = 1, more: readonly string[] = []): Promise<NatsServers> {
  const ports = await freePorts(2 * count);
  const routes = ports.slice(count).map((port) => `nats://127.0.0.1:${port}`);
  const start = async (index: number) => {
    const port = ports[index] ?? 0;
    const cluster =
      count === 1
        ? []
        : [
            ...['--cluster_name', 'test', '--cluster', routes[index] ?? '', '--routes', routes.join(',')],
            '--no_advertise',
          ];
    const child = startCommand([program, '--addr', '127.0.0.1', '--port', `${port}`, ...cluster, ...more], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'exit');
    await untilSaid(child.stderr, 'Server is ready');
    return { child, ended };
  };
  const running = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
  const setting = ports
    .slice(0, count)
    .map((port) => `nats://127.0.0.1:${port}`)
    .join(',');
  const kill = async (index = 0) => {
    const server = running[index];
    server?.child.kill('SIGKILL');
    await server?.ended;
  };
  return {
    setting,
    addresses: parseBusAddresses(setting),
    kill,
    pause(index = 0) {
      running[index]?.child.kill('SIGSTOP');
      return { [Symbol.dispose]: () => void running[index]?.child.kill('SIGCONT') };
    },
    async restart(index = 0) {
      running[index] = await start(index);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((_, index) => kill(index)));
    },
  };
}

async function untilSaid(output: NodeJS.ReadableStream | null, text: string): Promise<void> {
  if (output === null) throw new Error('nats-server has no output');
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`nats-server does not start: ${said}`)), timeoutMs);
  output.setEncoding('utf8');
  output.on('data', (piece: string) => {
    if (said.length < 100_000) said += piece;
    if (said.includes(text)) resolve();
  });
  output.on('end', () => reject(new Error(`nats-server ended: ${said}`)));
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
