/**
 * Ends a sandbox that keeps more sockets than any program needs. The kernel charges no group for data that waits in
 * unaccepted connections or for netlink replies, so only the number of sockets bounds it. The limit on descriptors does
 * not, because the program can close its own end of each connection.
 *
 * The numbers come from the network namespace (`/proc/PID/net/protocols`), which Ward reads a few times a second.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

/**
 * - `tcp`: includes unaccepted connections; one process may have 1,024 descriptors
 * - `netlink`: libraries open one briefly to list devices
 */
export const mostSockets = { tcp: 2048, netlink: 32 } as const;

interface SocketCounts {
  readonly tcp: number;
  readonly netlink: number;
}

interface WatchedSockets {
  /** The processes of the sandbox, as this process's pid namespace numbers them. */
  readonly pids: () => readonly number[];
  /** Called once. @param why A text for people. */
  readonly onExcess: (why: string) => void;
}

export interface SocketWatch extends Disposable {
  /** Disposing of the result ends the watch over this sandbox. */
  add(sandbox: WatchedSockets): Disposable;
}

/** Interval between checks, and most sandboxes per check; each takes some 50 µs. */
const everyMs = 100;
const atOnce = 16;
/** Most sandboxes per check while all sandboxes together have more connections than one may have. */
const atOnceInDoubt = 256;

export function openSocketWatch(): SocketWatch {
  const watched = new Set<Watched>();
  const look = () => {
    if (watched.size === 0) return;
    const most = machineConnections() > mostSockets.tcp ? atOnceInDoubt : atOnce;
    for (const one of [...watched].slice(0, most)) {
      // Move it to the end first, so that a sandbox that can't be read now stays in the list.
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
      // No descriptor may be free, for example; the next turn tries again.
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

/** Counts the sockets in a text of `/proc/PID/net/protocols`. */
export function socketCounts(protocols: string): SocketCounts {
  const counts = { tcp: 0, netlink: 0 };
  for (const line of protocols.split('\n')) {
    const [name, , sockets] = line.split(/\s+/, 3);
    if (name === 'TCP' || name === 'TCPv6') counts.tcp += Number(sockets);
    else if (name === 'NETLINK') counts.netlink += Number(sockets);
  }
  return counts;
}

/** TCP sockets of all network namespaces together: `alloc`, unlike `inuse`, is not per namespace (proc(5)). */
function machineConnections(): number {
  return Number(/^TCP: .* alloc (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]);
}

/** Keeps the file open: it belongs to the namespace, not to the process through which it was found. */
class Watched implements Disposable {
  readonly #sandbox: WatchedSockets;
  #file: number | undefined;

  constructor(sandbox: WatchedSockets) {
    this.#sandbox = sandbox;
  }

  /** False when there were too many; the excess has been reported then. */
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

/** Undefined while the sandbox has no network namespace of its own. */
function protocolsFile(pids: () => readonly number[]): number | undefined {
  const own = statSync('/proc/self/ns/net').ino;
  for (const pid of pids()) {
    try {
      if (statSync(`/proc/${pid}/ns/net`).ino === own) continue;
      const file = openSync(`/proc/${pid}/net/protocols`, 'r');
      // If the pid is still in the group now, the file that was opened is the sandbox's.
      if (pids().includes(pid)) return file;
      closeSync(file);
    } catch {
      // The process has ended.
    }
  }
  return undefined;
}
