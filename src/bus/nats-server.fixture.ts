/** Private servers of NATS for tests, on random ports of this machine. Several are one cluster. */
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../lib/free-ports.fixture.ts';
import { runCommand, startCommand } from '../lib/index.ts';
import { type BusAddresses, parseBusAddresses } from './addresses.ts';

const program = '/usr/sbin/nats-server';
const timeoutMs = 30_000;

/** Why this machine has none, or undefined. */
export async function missingForNats(): Promise<string | undefined> {
  const found = await runCommand([program, '--version']).catch(() => undefined);
  return found?.code === 0 ? undefined : 'nats-server is not installed';
}

/** One server. Disposal kills it. */
export interface NatsProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Waits until it says these words; what it said before words that were waited for does not count. */
  until(words: string): Promise<void>;
}

/**
 * @param args arguments of the program, among them where it listens
 * @param detached a signal of the terminal does not reach it
 */
export async function startNatsProcess(args: readonly string[], detached = false): Promise<NatsProcess> {
  const child = startCommand([program, ...args], { stdio: ['ignore', 'ignore', 'pipe'], detached });
  const heard = new EventEmitter();
  const closed = once(child, 'close').then(() => heard.emit('more'));
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    said = (said + piece).slice(-100_000);
    heard.emit('more');
  });
  const until = async (words: string) => {
    const signal = AbortSignal.timeout(timeoutMs);
    while (!said.includes(words)) {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      if (hasEnded || signal.aborted) throw new Error(`nats-server does not say '${words}': ${said}`);
      await once(heard, 'more', { signal }).catch(() => {});
    }
    said = '';
  };
  await until('Server is ready');
  return {
    child,
    until,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
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

export interface NatsOptions {
  /** Address of this machine on which they listen. */
  readonly address?: string;
  /** A signal of the terminal does not reach them. */
  readonly detached?: boolean;
  /** Opens other ways between the servers. */
  readonly routesBetween?: OpenRoutes;
}

/**
 * Gets the port for routes of each server. Returns the port by which one server reaches another one; both are named by
 * their index.
 */
export type OpenRoutes = (ports: readonly number[]) => Promise<(from: number, to: number) => number>;

/** Where nothing listens. Servers tell each other their addresses, and would otherwise connect past the ways. */
const nowhere = '127.0.0.1:1';

/** @param more further arguments of the program, such as `--user` */
export async function startNats(
  count = 1,
  more: readonly string[] = [],
  { address = '127.0.0.1', detached = false, routesBetween }: NatsOptions = {},
): Promise<NatsServers> {
  const ports = await freePorts(2 * count);
  const own = ports.slice(count);
  const portTo = (await routesBetween?.(own)) ?? ((_: number, to: number) => own[to] ?? 0);
  const url = (port = 0) => `nats://${address}:${port}`;
  const others = (index: number) => own.map((_, to) => to).filter((to) => to !== index);
  const start = async (index: number) => {
    const port = ports[index] ?? 0;
    const cluster =
      count === 1
        ? []
        : [
            ...['--cluster_name', 'test', '--cluster', url(own[index]), '--no_advertise'],
            ...[
              '--routes',
              others(index)
                .map((to) => url(portTo(index, to)))
                .join(','),
            ],
            ...(routesBetween === undefined ? [] : ['--cluster_advertise', nowhere]),
          ];
    return startNatsProcess(['--addr', address, '--port', `${port}`, ...cluster, ...more], detached);
  };
  const running = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
  const setting = ports.slice(0, count).map(url).join(',');
  const kill = async (index = 0) => running[index]?.[Symbol.asyncDispose]();
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

export interface SecureNats extends AsyncDisposable {
  /** The setting `bus:`. */
  readonly setting: string;
  /** `HOST:PORT`. */
  readonly listen: string;
  /** For the server's certificate and key. */
  readonly folder: string;
  /** Starts the server with the text of its configuration. */
  begin(configuration: string): Promise<void>;
  /** Kills it at once. */
  kill(): Promise<void>;
  /** Starts the killed server again. */
  restart(): Promise<void>;
}

/** A port and a folder for one server with certificates, which are made later. */
export async function startSecureNats(): Promise<SecureNats> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-nats-'));
  const [port] = await freePorts(1);
  const listen = `127.0.0.1:${port}`;
  const file = join(folder, 'nats.conf');
  let running: NatsProcess | undefined;
  const restart = async () => {
    running = await startNatsProcess(['--config', file]);
  };
  const kill = async () => running?.[Symbol.asyncDispose]();
  return {
    setting: `tls://${listen}`,
    listen,
    folder,
    async begin(configuration) {
      await writeFile(file, configuration);
      await restart();
    },
    ...{ kill, restart },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}
