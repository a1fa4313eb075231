/**
 * Ends a sandbox that keeps more sockets than any program needs. The kernel charges no group for what waits in a connection
 * that its program has not accepted, nor for replies of netlink, so that their number is the only bound. The program can
 * close its own end of each, so that no limit of descriptors holds it.
 *
 * The numbers are those of a network namespace (`/proc/PID/net/protocols`), looked at a few times a second.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

/**
 * - `tcp`: with those that nobody has accepted; one process may have 1,024 descriptors
 * - `netlink`: libraries open one for the moment in which they list devices
 */
export const mostSockets = { tcp: 2048, netlink: 32 } as const;

interface SocketCounts {
  readonly tcp: number;
  readonly netlink: number;
}

interface WatchedSockets {
  /** The processes of the sandbox, as this process's pid namespace numbers them. */
  readonly pids: () => readonly number[];
  /** Called once. @param why For people. */
  readonly onExcess: (why: string) => void;
}

export interface SocketWatch extends Disposable {
  /** Disposing of the answer ends the watch over this one sandbox. */
  add(sandbox: WatchedSockets): Disposable;
}

/** How often, and of how many sandboxes at most each time, of which each costs some 50 µs. */
const everyMs = 100;
const atOnce = 16;
/** When all sandboxes together have more connections than one may. */
const atOnceInDoubt = 256;

export function openSocketWatch(): SocketWatch {
  const watched = new Set<Watched>();
  const look = () => {
    if (watched.size === 0) return;
    const most = machineConnections() > mostSockets.tcp ? atOnceInDoubt : atOnce;
    for (const one of [...watched].slice(0, most)) {
      // To the end first: one that can't be looked at now stays.
      watched.delete(one);
      watched.add(one);
      if (one.isWithin()) continue;
      watched.delete(one);
      one[Symbol.dispose]();
    }
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      // There is no descriptor left, say: the next turn looks again.
    }
  }, everyMs);
  timer.unref();
  return {
    add(sandbox) {
      const one = new Watched(sandbox);
      watched.add(one);
      return {
        [Symbol.dispose]() {
          watched.delete(one);
          one[Symbol.dispose]();
        },
      };
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const one of watched) one[Symbol.dispose]();
      watched.clear();
    },
  };
}

/** How many sockets there are, from a text of `/proc/PID/net/protocols`. */
export function socketCounts(protocols: string): SocketCounts {
  const counts = { tcp: 0, netlink: 0 };
  for (const line of protocols.split('\n')) {
    const [name, , sockets] = line.split(/\s+/, 3);
    if (name === 'TCP' || name === 'TCPv6') counts.tcp += Number(sockets);
    else if (name === 'NETLINK') counts.netlink += Number(sockets);
  }
  return counts;
}

/** Sockets of TCP in all network namespaces together: `alloc`, unlike `inuse`, is not of one alone (proc(5)). */
function machineConnections(): number {
  return Number(/^TCP: .* alloc (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]);
}

/** Its file stays open: it belongs to the namespace, and not to the process by which it was found. */
class Watched implements Disposable {
  readonly #sandbox: WatchedSockets;
  #file: number | undefined;

  constructor(sandbox: WatchedSockets) {
    this.#sandbox = sandbox;
  }

  /** False when there were too many, which has been told then. */
  isWithin(): boolean {
    this.#file ??= protocolsFile(this.#sandbox.pids);
    if (this.#file === undefined) return true;
    const { tcp, netlink } = socketCounts(readText(this.#file));
    if (tcp <= mostSockets.tcp && netlink <= mostSockets.netlink) return true;
    const [number, most, kind] =
      tcp > mostSockets.tcp ? [tcp, mostSockets.tcp, 'TCP'] : [netlink, mostSockets.netlink, 'netlink'];
    this.#sandbox.onExcess(`${number} ${kind} sockets, more than ${most}; no limit counts their memory`);
    return false;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

const text = Buffer.alloc(16384);

function readText(file: number): string {
  let length = 0;
  for (;;) {
    const read = readSync(file, text, length, text.length - length, length);
    length += read;
    if (read === 0) return text.toString('latin1', 0, length);
  }
}

/** Undefined as long as the sandbox has no network namespace of its own. */
function protocolsFile(pids: () => readonly number[]): number | undefined {
  const own = statSync('/proc/self/ns/net').ino;
  for (const pid of pids()) {
    try {
      if (statSync(`/proc/${pid}/ns/net`).ino === own) continue;
      const file = openSync(`/proc/${pid}/net/protocols`, 'r');
      // A pid that is still in the group now was the sandbox's when its file was opened.
      if (pids().includes(pid)) return file;
      closeSync(file);
    } catch {
      // It has ended.
    }
  }
  return undefined;
}
