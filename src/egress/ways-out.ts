/** Ways out for sandboxes: the router, made when the first is asked for, and what one sandbox has of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../lib/index.ts';
import { egressFault } from './faults.ts';
import type { EgressGrants } from './grants.ts';
import type { EgressLimits } from './limits.ts';
import { parseAddress } from './networks.ts';
import { readOwnAddresses } from './own-addresses.ts';
import { refusedAs } from './refused-networks.ts';
import { createAnswerer } from './resolver/answers.ts';
import { openUpstream } from './resolver/upstream.ts';
import { addressesOf, maxSlots } from './router/addresses.ts';
import { letGoOfNamespace, makeLinkedNamespace } from './router/links.ts';
import type { TracedPacket } from './router/refusals.ts';
import { openRouter, type Router } from './router/router.ts';
import { openingOf, removalOf, sandboxRules } from './router/ruleset.ts';

export interface WaysOutOptions {
  /** A folder of Ward's own, which only its mount namespace shows mounts in. */
  readonly dir: string;
  /** An id of the machine that nobody else has; asked for once, when the first way is opened. */
  readonly takeOwnerId: () => number;
  readonly log: Log;
}

export interface WayOutRequest {
  readonly grants: EgressGrants;
  readonly limits: EgressLimits;
  /** `203.0.113.53:53`; undefined: the host's own. */
  readonly resolvers: readonly string[] | undefined;
  /** A folder of the sandbox's own on the host, which no sandbox can write. */
  readonly dir: string;
  /** Hears of each refusal, in words. */
  readonly onRefusal: (detail: string) => void;
}

export interface WayOut {
  /** The sandbox's network namespace: `lo`, and one device. */
  readonly namespace: string;
  /** A file for /etc/resolv.conf. */
  readonly resolvConf: string;
  /** Settles when every refusal so far has been told. Never rejects. */
  told(): Promise<void>;
  /** Takes everything away that was made for it; its sandbox has ended. Idempotent. */
  close(): Promise<void>;
}

export interface WaysOut {
  /** @throws Fault EGRESS_UNAVAILABLE */
  open(request: WayOutRequest): Promise<WayOut>;
  close(): Promise<void>;
}

export function openWaysOut(options: WaysOutOptions): WaysOut {
  const listeners = new Map<number, { readonly limits: EgressLimits; hear(detail: string): void }>();
  const free = createSlots();
  let ownerId: number | undefined;
  let count = 0;
  let current: Promise<Router> | undefined;

  const begin = (): Promise<Router> => {
    ownerId ??= options.takeOwnerId();
    const dir = join(options.dir, `router-${++count}`);
    const hear = (packet: TracedPacket & { readonly slot: number }) => {
      const listener = listeners.get(packet.slot);
      listener?.hear(describe(packet, listener.limits));
    };
    const opening = openRouter({ dir, ownerId, log: options.log, onRefusal: hear });
    opening.catch(() => {
      if (current === opening) current = undefined;
    });
    return opening;
  };
  const routers = new Set<Promise<Router>>();
  const router = async (): Promise<Router> => {
    current ??= begin();
    routers.add(current);
    const known = await current;
    if (!known.isBroken) return known;
    // Whoever has a way through the old one keeps what is left of it: nothing.
    current = undefined;
    return router();
  };

  return {
    async open(request) {
      const found = await router();
      const slot = free.take();
      const leave = () => free.giveBack(slot);
      try {
        listeners.set(slot, { limits: request.limits, hear: request.onRefusal });
        return await openWay(found, slot, ++count, request, () => {
          listeners.delete(slot);
          leave();
        });
      } catch (error) {
        listeners.delete(slot);
        leave();
        throw error;
      }
    },
    async close() {
      for (const each of routers) await each.then((known) => known.close()).catch(() => {});
    },
  };
}

async function openWay(
  router: Router,
  slot: number,
  serial: number,
  request: WayOutRequest,
  leave: () => void,
): Promise<WayOut> {
  const { grants, limits, dir } = request;
  const namespace = join(dir, 'net');
  const resolvConf = join(dir, 'resolv.conf');
  const close = async () => {
    router.listener.leave(slot);
    await letGoOfNamespace(namespace);
    // A broken router has no rules left that could be taken away one by one.
    await router.filter.apply(removalOf(slot)).catch(() => {});
  };
  router.listener.serve(slot, answererFor(router, slot, request));
  try {
    await Promise.all([
      makeLinkedNamespace(namespace, router.namespace, slot),
      router.filter.apply(sandboxRules({ slot, serial, grants, limits })),
      writeFile(resolvConf, resolvConfText(slot), { mode: 0o644 }),
    ]);
  } catch (error) {
    await close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    namespace,
    resolvConf,
    told: () => router.told(),
    close: () => (closing ??= close().finally(leave)),
  };
}

function answererFor(router: Router, slot: number, { grants, resolvers, onRefusal }: WayOutRequest) {
  return createAnswerer({
    grants,
    upstream: openUpstream(resolvers),
    own: router.own,
    open: (openings, seconds) => router.filter.apply(openingOf(slot, openings, seconds)),
    onRefusal,
  });
}

/** A dot is enough for a name to be whole: there are no search domains here. */
function resolvConfText(slot: number): string {
  return `nameserver ${addressesOf(slot).gateway.ipv4}\noptions ndots:1 timeout:5 attempts:2\n`;
}

function describe({ isLimit, protocol, address, port }: TracedPacket, limits: EgressLimits): string {
  const where = `${protocol} ${address.includes(':') ? `[${address}]` : address}${port === 0 ? '' : `:${port}`}`;
  if (isLimit) {
    const { connections, connectionsPerSecond, packetsPerSecond, bytesPerSecond } = limits;
    const most = `${connections} connections, ${connectionsPerSecond} new, ${packetsPerSecond} packets and ${bytesPerSecond} bytes a second`;
    return `${where}: past its limits (${most})`;
  }
  const network = parseAddress(address);
  const isOwn = readOwnAddresses().some(({ text }) => text === network?.text);
  const why = isOwn ? 'an address of this host' : network && refusedAs(network)?.why;
  return `${where}: ${why ?? 'no rule allows it'}`;
}

interface Slots {
  take(): number;
  giveBack(slot: number): void;
}

/** The one that has been free for longest comes next, so that addresses rest before they are used again. */
function createSlots(): Slots {
  const back: number[] = [];
  let next = 1;
  return {
    take() {
      if (next <= maxSlots) return next++;
      const slot = back.shift();
      if (slot === undefined) throw egressFault('EGRESS_UNAVAILABLE', `${maxSlots} sandboxes have a way out`);
      return slot;
    },
    giveBack: (slot) => void back.push(slot),
  };
}
