/** How much a sandbox has sent out and received, as the kernel counts it at the router's devices. */
import { readFileSync } from 'node:fs';
import { addressesOf } from './addresses.ts';

/** Packets that passed the packet filter, with all their headers. Questions to the resolver do not count. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** The first that it opened, at most `mostConnections`. Absent if there are none. */
  readonly connections?: readonly Connection[] | undefined;
}

/** A connection, or the first datagram of an exchange, that the packet filter let through. */
export interface Connection {
  /** The name by which the sandbox has asked for the address, in lower case. Absent: it asked for none. */
  readonly name?: string | undefined;
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Of one activation. */
export const mostConnections = 20;

type Bytes = 'sentBytes' | 'receivedBytes';

const nothing: Traffic = { sentBytes: 0, receivedBytes: 0 };

/** Most bytes in each direction that count for one activation: a terabyte, so that no sum overflows. */
export const mostTrafficBytes = 2 ** 40;

/** @returns undefined when there is nothing to add */
export function sumOfTraffic(first: Traffic | undefined, second: Traffic | undefined): Traffic | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const sum = (name: Bytes) => Math.min(mostTrafficBytes, first[name] + second[name]);
  const connections = [...(first.connections ?? []), ...(second.connections ?? [])].slice(0, mostConnections);
  return {
    ...{ sentBytes: sum('sentBytes'), receivedBytes: sum('receivedBytes') },
    ...(connections.length === 0 ? {} : { connections }),
  };
}

/**
 * Reads what a sandbox has sent and received since its way out was opened.
 *
 * The device of the uplink counts what passed, but it ends with the uplink, and the kernel may end that together with
 * the sandbox. The device that leads to the sandbox stays. So what it counts after the last look at the uplink is
 * added, with what was refused in that time.
 * @param readDevices the table /proc/PID/net/dev of the router's network namespace
 */
export function trafficReader(slot: number, readDevices: () => string): () => Traffic {
  const { link, uplink } = addressesOf(slot);
  let passed = nothing;
  let atLink = nothing;
  return () => {
    const table = readDevices();
    const [ofLink, ofUplink] = [countersIn(table, link), countersIn(table, uplink)];
    const since = (name: Bytes) => passed[name] + Math.max(0, (ofLink?.[name] ?? 0) - atLink[name]);
    // The uplink gets what the sandbox sends, so its directions are the other way round.
    if (ofUplink) passed = { sentBytes: ofUplink.receivedBytes, receivedBytes: ofUplink.sentBytes };
    else if (ofLink) passed = { sentBytes: since('sentBytes'), receivedBytes: since('receivedBytes') };
    atLink = ofLink ?? atLink;
    return passed;
  };
}

/** @param holderPid a process in the network namespace. Returns an empty table when it has ended. */
export function readDevices(holderPid: number): string {
  try {
    return readFileSync(`/proc/${holderPid}/net/dev`, 'utf8');
  } catch {
    return '';
  }
}

/** From the side of what the device leads to: what the router received there was sent by it. */
function countersIn(table: string, device: string): Traffic | undefined {
  const line = new RegExp(`^ *${device}:(.*)$`, 'm').exec(table)?.[1];
  const numbers = line?.trim().split(/ +/).map(Number) ?? [];
  const [sentBytes, receivedBytes] = [numbers[0], numbers[8]];
  return sentBytes === undefined || receivedBytes === undefined ? undefined : { sentBytes, receivedBytes };
}
