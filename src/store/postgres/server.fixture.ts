/** A PostgreSQL server for one test: in a temporary folder, reached by a socket in it, and removed after the test. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { mustRun, runCommand, startCommand } from '../../lib/index.ts';

/** Folder of the programs of PostgreSQL 17. */
export const programs = '/usr/lib/postgresql/17/bin';
const timeoutMs = 60_000;
const socketName = '.s.PGSQL.5432';

/** Why this machine has none, or undefined. */
export async function missingForPostgres(): Promise<string | undefined> {
  const found = await runCommand([join(programs, 'postgres'), '--version']).catch(() => undefined);
  return found?.code === 0 ? undefined : 'PostgreSQL 17 is not installed';
}

export interface PostgresServer extends AsyncDisposable {
  /** Path of its socket. */
  readonly socket: string;
  url(database: string): string;
  /** @param url of a database other than the server's own */
  admin(sql: string, url?: string): Promise<void>;
  /** The statements of transactions that waited for each other, for each such case. */
  deadlocks(): Promise<readonly string[]>;
  /** Ends it at once, as `pg_ctl stop -m immediate` does: its next start recovers what was committed. */
  crash(): Promise<void>;
  /** Kills all of its processes. */
  kill(): Promise<void>;
  /** Stops all of its processes without an end of its connections, until the returned object is disposed. */
  pause(): Disposable;
  /** Starts it again. */
  start(): Promise<void>;
  /** Fills its disk, which must have a size (`diskMiB`). Returns a function that frees it, and starts the server if it ended. */
  fillDisk(): Promise<() => Promise<void>>;
  /** Starts a standby, without which no commit ends any more (`synchronous_standby_names`). */
  addStandby(): Promise<void>;
  /** Crashes the server. From then on, its socket leads to the standby, which is promoted. */
  failOver(): Promise<void>;
}

interface ServerOptions {
  /** Waits for the disk, like a production server. */
  readonly isDurable?: boolean;
  /** PEM of a certificate and its key: the server also listens on this port of 127.0.0.1, with TLS. */
  readonly tls?: { readonly port: number; readonly certificate: string; readonly key: string };
  /** The server also listens on port 5432 of this address, for all addresses of its network. */
  readonly address?: string;
  /** Its data are on a disk of this size, in memory. Takes root. */
  readonly diskMiB?: number;
  /** A signal of the terminal does not reach it. */
  readonly detached?: boolean;
}

export async function startPostgres(options: ServerOptions = {}): Promise<PostgresServer> {
  const { isDurable = false, tls, address = '', detached = false, diskMiB } = options;
  const folder = await mkdtemp(join(tmpdir(), 'ward-pg-'));
  // Servers of Ward run as another user; only the data folder in it is closed.
  await chmod(folder, 0o711);
  const data = join(folder, 'data');
  const log = join(folder, 'log');
  const asUser = await userWords(folder);
  if (diskMiB !== undefined) {
    await mustRun([...asUser, 'mkdir', data]);
    const { uid, gid } = await stat(folder);
    const traits = `size=${diskMiB}m,mode=700,uid=${uid},gid=${gid}`;
    await mustRun(['mount', '-t', 'tmpfs', '-o', traits, 'ward-pg', data]);
  }
  const made = ['--pgdata', data, '--username', 'ward', '--auth', 'trust', '--encoding', 'UTF8'];
  await mustRun(
    [...asUser, join(programs, 'initdb'), ...made, '--locale', 'C', '--no-sync', '--no-instructions'],
    {
      timeoutMs,
      cwd: folder,
    },
  );
  if (address !== '') await appendFile(join(data, 'pg_hba.conf'), 'host all all samenet trust\n');
  const settings = [
    ...(tls === undefined ? [`listen_addresses=${address}`] : await tlsSettings(folder, tls)),
    'max_connections=200',
    ...(diskMiB === undefined ? [] : [`max_wal_size=${Math.floor(diskMiB / 8)}MB`]),
    // Data of a test need not survive a crash.
    ...(isDurable ? [] : ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off']),
  ].flatMap((setting) => ['-c', setting]);
  const urlAt = (host: string, database: string) =>
    `postgres://ward@/${database}?host=${encodeURIComponent(host)}${tls === undefined ? '' : `&port=${tls.port}`}`;
  const url = (database: string) => urlAt(folder, database);
  const launch = async (place: Place): Promise<Running> => {
    const words = ['-D', place.data, ...settings, '-c', `unix_socket_directories=${place.sockets}`];
    await using said = await open(log, 'a');
    const child = startCommand([...asUser, join(programs, 'postgres'), ...words], {
      stdio: ['ignore', 'ignore', said.fd],
      cwd: folder,
      detached,
    });
    const ended = once(child, 'exit');
    await untilReady(urlAt(place.sockets, 'postgres'));
    const crash = async () => {
      child.kill('SIGQUIT');
      await ended;
    };
    const signal = (name: NodeJS.Signals) => {
      // The first one starts no others while they are signalled.
      child.kill('SIGSTOP');
      for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, name);
      child.kill(name);
    };
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    return { ...place, crash, ended, signal, hasEnded };
  };
  const admin = (sql: string, at = url('postgres')) => withClient(at, (client) => client.query(sql));
  const socket = join(folder, socketName);
  const deadlockDetails = /deadlock detected\n(?:.*DETAIL: *)?((?:.|\n\t)*)/g;
  let server = await launch({ data, sockets: folder });
  let standby: Running | undefined;
  let standbys = 0;
  return {
    ...{ url, socket, admin },
    async deadlocks() {
      const found = (await readFile(log, 'utf8')).matchAll(deadlockDetails);
      return Array.from(found, ([, details = '']) => details);
    },
    crash: () => server.crash(),
    async kill() {
      server.signal('SIGKILL');
      await server.ended;
    },
    pause() {
      const paused = server;
      paused.signal('SIGSTOP');
      return { [Symbol.dispose]: () => paused.signal('SIGCONT') };
    },
    async start() {
      server = await launch(server);
    },
    async fillDisk() {
      const ballast = join(server.data, 'ballast');
      // It ends when there is no space left.
      await runCommand([...asUser, 'dd', 'if=/dev/zero', `of=${ballast}`, 'bs=1M']);
      return async () => {
        await rm(ballast);
        if (server.hasEnded()) server = await launch(server);
      };
    },
    async addStandby() {
      const sockets = join(folder, `standby-${++standbys}`);
      await mustRun([...asUser, 'mkdir', sockets]);
      const place = { sockets, data: join(sockets, 'data') };
      const copied = ['--pgdata', place.data, '--host', folder, '--username', 'ward', '--checkpoint', 'fast'];
      const words = [...copied, '--write-recovery-conf', '--no-sync'];
      await mustRun([...asUser, join(programs, 'pg_basebackup'), ...words], { timeoutMs, cwd: folder });
      standby = await launch(place);
      await admin(`alter system set synchronous_standby_names = '*'`);
      await admin('select pg_reload_conf()');
    },
    async failOver() {
      if (standby === undefined) throw new Error('there is no standby');
      await server.crash();
      server = standby;
      standby = undefined;
      await rm(socket, { force: true });
      await symlink(join(server.sockets, socketName), socket);
      await admin('select pg_promote()');
    },
    async [Symbol.asyncDispose]() {
      await standby?.crash();
      await server.crash();
      if (diskMiB !== undefined) await mustRun(['umount', data]);
      await rm(folder, { recursive: true });
    },
  };
}

interface Place {
  readonly data: string;
  /** Folder of its socket. */
  readonly sockets: string;
}

interface Running extends Place {
  crash(): Promise<void>;
  readonly ended: Promise<unknown>;
  /** To all of its processes. */
  signal(name: NodeJS.Signals): void;
  hasEnded(): boolean;
}

function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

async function tlsSettings(
  folder: string,
  { port, certificate, key }: NonNullable<ServerOptions['tls']>,
): Promise<readonly string[]> {
  const [certificateFile, keyFile] = [join(folder, 'server.pem'), join(folder, 'server.key')];
  await writeFile(certificateFile, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  const { uid, gid } = await stat(folder);
  await chown(keyFile, uid, gid);
  const files = [`ssl_cert_file=${certificateFile}`, `ssl_key_file=${keyFile}`];
  return ['listen_addresses=127.0.0.1', `port=${port}`, 'ssl=on', ...files];
}

/** PostgreSQL refuses to run as root. */
async function userWords(folder: string): Promise<readonly string[]> {
  if (process.geteuid?.() !== 0) return [];
  const id = async (flag: string) => Number(await mustRun(['id', flag, 'postgres']));
  const [uid, gid] = [await id('--user'), await id('--group')];
  await chown(folder, uid, gid);
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
}

async function untilReady(url: string): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await withClient(url, (client) => client.query('select 1'));
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function withClient(url: string, use: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
