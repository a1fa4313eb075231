/** Ways out for sandboxes: the router, made when the first is asked for, and what one sandbox has of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../lib/index.ts';
import { addressesOf, maxSlots } from './addresses.ts';
import { egressFault } from './faults.ts';
import type { EgressGrants } from './grants.ts';
import type { EgressLimits } from './limits.ts';
import { contains, type Network, parseAddress } from './networks.ts';
import { createOpenAddresses } from './open-addresses.ts';
import { refusedAs } from './refused-networks.ts';
import { createDecision } from './resolver/decision.ts';
import type { ResolverClient } from './resolver/resolver.ts';
import { letGoOfNamespace, makeLinkedNamespace } from './router/links.ts';
import type { TracedPacket } from './router/refusals.ts';
import { openRouter, type Router, type RouterOptions } from './router/router.ts';
import { openingOf, removalOf, sandboxRules } from './router/ruleset.ts';
import type { ProcessGroup } from './router/uplink.ts';

interface WaysOutOptions {
  /** A folder of Ward's own, which only its mount namespace shows mounts in. */
  readonly dir: string;
  /** An id of the machine that nobody else has; asked for once, when the first way is opened. */
  readonly takeOwnerId: () => number;
  readonly log: Log;
}

interface WayOutRequest {
  /**
   * The namespace of the sandbox, or '' for Ward itself. It has a share of the network, and of turns in the packet filter.
   */
  readonly tenant: string;
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
  /** Settles when nothing passes any more, asked for or not. */
  readonly ended: Promise<void>;
  /** Its use counts for the sandbox's control group, from the moment that the sandbox is in the group. */
  chargeTo(group: ProcessGroup): void;
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
  const listeners = new Map<number, Listening>();
  const free = createSlots();
  let count = 0;
  const routers = keepRouter(options, ({ slot, ...packet }) => {
    const listener = listeners.get(slot);
    listener?.hear(describe(packet, listener));
  });
  return {
    async open(request) {
      const router = await routers.current();
      const slot = free.take();
      const leave = () => {
        listeners.delete(slot);
        free.giveBack(slot);
      };
      listeners.set(slot, { limits: request.limits, own: router.own, hear: request.onRefusal });
      return openWay(router, slot, ++count, request, leave);
    },
    close: () => routers.close(),
  };
}

interface Listening {
  readonly limits: EgressLimits;
  /** Addresses of this host. */
  own(): readonly Network[];
  hear(detail: string): void;
}

interface Routers {
  /** The one that works; made when there is none. @throws Fault EGRESS_UNAVAILABLE */
  current(): Promise<Router>;
  close(): Promise<void>;
}

function keepRouter(
  { dir, takeOwnerId, log }: WaysOutOptions,
  onRefusal: RouterOptions['onRefusal'],
): Routers {
  const all: Promise<Router>[] = [];
  let ownerId: number | undefined;
  let newest: Promise<Router> | undefined;
  const begin = (): Promise<Router> => {
    ownerId ??= takeOwnerId();
    const opening = openRouter({ dir: join(dir, `router-${all.length + 1}`), ownerId, log, onRefusal });
    all.push(opening);
    return opening;
  };
  const current = async (): Promise<Router> => {
    newest ??= begin();
    const asked = newest;
    const router = await asked.catch((error: unknown) => {
      if (newest === asked) newest = undefined;
      throw error;
    });
    if (!router.isBroken) return router;
    if (newest === asked) newest = undefined;
    return current();
  };
  return {
    current,
    async close() {
      for (const each of all) await each.then((router) => router.close()).catch(() => {});
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
  const { grants, limits, dir, tenant } = request;
  const namespace = join(dir, 'net');
  const resolvConf = join(dir, 'resolv.conf');
  await using stack = new AsyncDisposableStack();
  stack.defer(leave);
  // A broken router has no rules left that could be taken away one by one.
  stack.defer(() => router.filter.apply(removalOf({ slot, grants }), tenant).catch(() => {}));
  let isHeld = true;
  const letGo = async (): Promise<void> => {
    if (isHeld) await letGoOfNamespace(namespace);
    isHeld = false;
  };
  stack.defer(letGo);
  stack.defer(() => router.resolver.leave(slot));
  router.resolver.serve(slot, clientFor(router, slot, request));
  const share = await router.shares?.join(tenant, limits.machineBytesPerSecond);
  if (share !== undefined) stack.defer(() => router.shares?.leave(tenant));
  const starting = router.startUplink(slot, limits.connections);
  stack.defer(() => starting.then((started) => started.end()).catch(() => {}));
  const made = await Promise.allSettled([
    starting,
    makeLinkedNamespace(namespace, router.namespace, slot),
    router.filter.apply(sandboxRules({ slot, serial, grants, limits, share }), tenant),
    writeFile(resolvConf, resolvConfText(slot), { mode: 0o644 }),
  ]);
  for (const each of made) if (each.status === 'rejected') throw each.reason;
  const uplink = await starting;
  await router.shares?.lead(slot);
  const parts = stack.move();
  let closing: Promise<void> | undefined;
  return {
    namespace,
    resolvConf,
    ended: uplink.ended.then(() => {}),
    chargeTo: uplink.chargeTo,
    told: () => router.told(),
    close: () =>
      (closing ??= parts
        .disposeAsync()
        .then(letGo)
        .catch((error: unknown) => {
          // Asked again, it lets go of the namespace at last.
          closing = undefined;
          throw error;
        })),
  };
}

function clientFor(router: Router, slot: number, request: WayOutRequest): ResolverClient {
  const { grants, resolvers, onRefusal, tenant } = request;
  const account = createOpenAddresses((openings, seconds) =>
    router.filter.apply(openingOf(slot, openings, seconds), tenant),
  );
  return {
    tenant,
    hosts: grants.hosts.map(({ host }) => host),
    resolvers,
    decide: createDecision({ grants, own: router.own, open: account.open, onRefusal }),
    onRefusal,
  };
}

/** A dot is enough for a name to be whole: there are no search domains here. */
function resolvConfText(slot: number): string {
  return `nameserver ${addressesOf(slot).gateway.ipv4}\noptions ndots:1 timeout:5 attempts:2\n`;
}

function describe(
  { reason, protocol, address, port }: Omit<TracedPacket, 'slot'>,
  { limits, own }: Listening,
): string {
  const where = `${protocol} ${address.includes(':') ? `[${address}]` : address}${port === 0 ? '' : `:${port}`}`;
  if (reason === 'form') return `${where}: fragments, options and extension headers do not pass`;
  if (reason === 'limit') {
    const { connections, connectionsPerSecond, packetsPerSecond, bytesPerSecond } = limits;
    const most = `${connections} connections, ${connectionsPerSecond} new, ${packetsPerSecond} packets and ${bytesPerSecond} bytes a second`;
    return `${where}: past its limits (${most})`;
  }
  const network = parseAddress(address);
  const isOwn = network && own().some((each) => contains(each, network));
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
