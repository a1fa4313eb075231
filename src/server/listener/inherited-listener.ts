/**
 * A listening socket that the server inherits: from a service manager (sd_listen_fds(3)), or from the running Ward
 * during a take-over. While no process accepts connections, they wait in the queue of the socket, and none is
 * refused.
 *
 * Node closes inherited descriptors when it executes another program. So a short Perl program runs between the first
 * process and the namespaces: it takes the socket from a process that has it, and passes it on as descriptor 3. The
 * keeper passes it to the server and closes its own copy.
 */
import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startCommand } from '../../lib/index.ts';
import { type Address, type ConfigSources, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { listeningSocketOf } from './listening-sockets.ts';
import { findRunningWard } from './running-ward.ts';

export interface InheritedListener {
  readonly descriptor: number;
  readonly address: Address;
  /** True when it belongs to a service manager, and stays open after this Ward. */
  readonly isKept: boolean;
  /** Tells the old Ward to stop; it serves undisturbed until then. */
  tellOld(): void;
  /** Call it after the server has the socket. */
  release(): void;
}

export interface ListenerOptions extends ConfigSources {
  /** From the Ward that serves the same data folder, if any. */
  readonly takeOver?: boolean;
}

/** Descriptors of the socket, and of the pipe that tells the old Ward to stop. */
const socketDescriptor = 3;
const orderDescriptor = 4;
const mark = 'WARD_LISTENER';
const passer = join(import.meta.dirname, 'pass-listener.pl');

/**
 * The command that the first process runs before it enters its namespaces, as a prefix of another command line; empty
 * when the server opens a socket of its own. @throws Fault LISTENER_UNFIT, TAKE_OVER_FAILED, and those of the
 * configuration
 */
export async function passListener(options: ListenerOptions): Promise<readonly string[]> {
  const given = givenDescriptor(process.env);
  if (given !== undefined) return passGiven(given, options);
  if (options.takeOver !== true) return [];
  const { dataDir, listen, tls } = await loadConfig(options);
  const running = await findRunningWard(dataDir, tls?.redirect?.port);
  if (running === undefined) return [];
  const { serverPid, descriptor, socket } = running;
  const { host, port } = socket.address;
  if (listen.port !== 0 && listen.port !== port) {
    throw serverFault(
      'TAKE_OVER_FAILED',
      `the running Ward listens on ${host}:${port}, not on port ${listen.port}`,
      {
        hint: 'a take-over keeps the address: stop that Ward to change it',
      },
    );
  }
  process.env[mark] = 'taken';
  return ['/usr/bin/perl', passer, 'server', String(serverPid), String(descriptor), socket.inode];
}

/** Called in the keeper, once. @throws Fault LISTENER_UNFIT */
export function inheritedListener(): InheritedListener | undefined {
  const how = process.env[mark];
  delete process.env[mark];
  if (how !== 'kept' && how !== 'taken') return undefined;
  const socket = listeningSocketOf('self', socketDescriptor);
  if (socket === undefined) throw unfit('the inherited descriptor');
  return {
    descriptor: socketDescriptor,
    address: socket.address,
    isKept: how === 'kept',
    tellOld() {
      if (how !== 'taken') return;
      writeSync(orderDescriptor, '.');
      closeSync(orderDescriptor);
    },
    release: () => closeSync(socketDescriptor),
  };
}

/** Removes the variables, so that no program that this process executes or starts gets them. */
function givenDescriptor(env: NodeJS.ProcessEnv): number | undefined {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']) delete env[name];
  if (pid !== String(process.pid) || count === undefined) return undefined;
  if (count === '1') return socketDescriptor;
  throw serverFault('LISTENER_UNFIT', `the service manager passes ${count} sockets, but Ward serves on one`, {
    hint: 'one ListenStream= in the socket unit, and no other descriptor',
  });
}

function passGiven(descriptor: number, { takeOver }: ListenerOptions): readonly string[] {
  if (takeOver === true) {
    throw serverFault(
      'LISTENER_UNFIT',
      'the service manager passes a socket, but --take-over names another',
      {
        hint: 'omit --take-over: the socket unit holds connections until this Ward accepts them',
      },
    );
  }
  const socket = listeningSocketOf('self', descriptor);
  if (socket === undefined) throw unfit(`descriptor ${descriptor}`);
  // Much longer than the take-over, which ends this process.
  const holder = startCommand(['/bin/sleep', '60'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  process.env[mark] = 'kept';
  return ['/usr/bin/perl', passer, 'holder', String(holder.pid), String(socketDescriptor), socket.inode];
}

function unfit(what: string) {
  return serverFault('LISTENER_UNFIT', `${what} is not a listening TCP socket in Ward's network namespace`, {
    hint: 'ListenStream=HOST:PORT in the socket unit, with Accept=no, in the same network namespace as the service',
  });
}
