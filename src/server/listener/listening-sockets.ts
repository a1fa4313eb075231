/** Listening TCP sockets, from the kernel's tables. Source: proc_pid_net(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Address } from '../config/config.ts';

export interface ListeningSocket {
  /** The same number in every process that holds the socket. */
  readonly inode: string;
  readonly address: Address;
}

const listening = '0A';

/** The socket of a process's descriptor; undefined for anything else, or in another network namespace. */
export function listeningSocketOf(pid: number | 'self', descriptor: number): ListeningSocket | undefined {
  const inode = inodeOf(pid, descriptor);
  const address = inode === undefined ? undefined : listeningAddresses().get(inode);
  return inode === undefined || address === undefined ? undefined : { inode, address };
}

/** All sockets of a process, each with its lowest descriptor. */
export function listeningSocketsOf(pid: number): readonly (ListeningSocket & { descriptor: number })[] {
  const addresses = listeningAddresses();
  const found = new Map<string, ListeningSocket & { descriptor: number }>();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)
    .map(Number)
    .toSorted((a, b) => a - b)) {
    const inode = inodeOf(pid, descriptor);
    const address = inode === undefined ? undefined : addresses.get(inode);
    if (inode === undefined || address === undefined || found.has(inode)) continue;
    found.set(inode, { inode, address, descriptor });
  }
  return [...found.values()];
}

function inodeOf(pid: number | 'self', descriptor: number): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
  } catch {
    return undefined;
  }
}

/** Sockets by inode. */
function listeningAddresses(): Map<string, Address> {
  const found = new Map<string, Address>();
  for (const table of ['tcp', 'tcp6']) {
    for (const line of linesOf(`/proc/self/net/${table}`).slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === listening) found.set(inode, addressOf(local));
    }
  }
  return found;
}

/** A kernel without IPv6 has only one table. */
function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    return [];
  }
}

/** `0100007F:0CA1`: each 32 bits of the address in the machine's order, the port as a number. */
export function addressOf(text: string): Address {
  const [hex = '', port = ''] = text.split(':');
  const bytes = Buffer.from(hex, 'hex').swap32();
  const host =
    bytes.length === 4
      ? bytes.join('.')
      : Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
  return { host, port: Number.parseInt(port, 16) };
}
