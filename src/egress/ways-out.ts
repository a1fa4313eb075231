/** Ways out for sandboxes: the router, made for the first one, and each sandbox's part of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BoundedMap, type Log, messageOf } from '../lib/index.ts';
import { addressesOf, maxSlots } from './addresses.ts';
import { egressFault } from './faults.ts';
import type { EgressGrants } from './grants.ts';
import type { EgressLimits } from './limits.ts';
import { contains, type Network, parseAddress } from './networks.ts';
import { createOpenAddresses, mostOpen } from './open-addresses.ts';
import { refusedPacket } from './refusal-text.ts';
import { refusedAs } from './refused-networks.ts';
import { createDecision } from './resolver/decision.ts';
import type { ResolverClient } from './resolver/resolver.ts';
import { makeLinkedNamespace, releaseNamespace } from './router/links.ts';
import type { TracedPacket } from './router/refusals.ts';
import { openRouter, type Router, type RouterOptions } from './router/router.ts';
import { openingOf, removalOf, sandboxRules } from './router/ruleset.ts';
import type { ProcessGroup } from './router/uplink.ts';
import { type Connection, mostConnections, type Traffic } from './traffic.ts';

interface WaysOutOptions {
  /** A folder of Ward's own; only its mount namespace shows the mounts in it. */
  readonly dir: string;
  /** An id of the machine that nothing else uses; requested once, when the first way is opened. */
  readonly takeOwnerId: () => number;
  readonly log: Log;
}

/** What ways out are made of. */
interface WayParts {
  readonly openRouter: typeof openRouter;
  readonly makeLinkedNamespace: typeof makeLinkedNamespace;
  readonly releaseNamespace: typeof releaseNamespace;
  /** The most ways out at once. */
  readonly maxSlots: number;
}

const usualParts: WayParts = { openRouter, makeLinkedNamespace, releaseNamespace, maxSlots };

interface WayOutRequest {
  /** The sandbox's namespace, or '' for Ward itself. Shares of the network and turns in the packet filter go by it. */
  readonly tenant: string;
  readonly grants: EgressGrants;
  readonly limits: EgressLimits;
  /** Such as `203.0.113.53:53`; undefined: the host's own resolvers. */
  readonly resolvers: readonly string[] | undefined;
  /** A folder for this sandbox on the host, which no sandbox can write. */
  readonly dir: string;
  /** Receives a description of each refusal. */
  readonly onRefusal: (detail: string) => void;
}

export interface WayOut {
  /** The sandbox's network namespace: `lo` and one device. */
  readonly namespace: string;
  /** A file for /etc/resolv.conf. */
  readonly resolvConf: string;
  /** Settles when nothing passes any more, whether it was closed or broke. */
  readonly ended: Promise<void>;
  /** Charges its use to the sandbox's control group as soon as the sandbox is in it. */
  chargeTo(group: ProcessGroup): void;
  /** Settles when every refusal so far has been reported. Never rejects. */
  told(): Promise<void>;
  /**
   * What the sandbox has sent and received so far, after its end the last that was read; and the connections that it
   * has opened since the last call. Takes microseconds.
   */
  traffic(): Traffic;
  /** Reads the counters, shortly before they end with the sandbox. */
  look(): void;
  /** Removes everything that was made for it, after its sandbox has ended. Idempotent. */
  close(): Promise<void>;
}

export interface WaysOut {
  /** @throws Fault EGRESS_UNAVAILABLE */
  open(request: WayOutRequest): Promise<WayOut>;
  close(): Promise<void>;
}

export function openWaysOut(options: WaysOutOptions, parts: WayParts = usualParts): WaysOut {
  const listeners = new Map<number, Listening>();
  const free = createSlots(parts.maxSlots);
  let count = 0;
  const routers = keepRouter(options, parts, ({ slot, ...packet }) => {
    const listener = listeners.get(slot);
    if (packet.reason === 'new') listener?.connected(packet);
    else listener?.hear(describe(packet, listener));
  });
  return {
    async open(request) {
      const router = await routers.current();
      const slot = free.take();
      const leave = (rulesLeft: unknown) => {
        listeners.delete(slot);
        if (rulesLeft === undefined) return free.giveBack(slot);
        // The next sandbox there would have these rules before its own.
        const about = { slot, reason: messageOf(rulesLeft) };
        options.log.error(
          about,
          'egress: the rules of a sandbox could not be removed; its addresses rest until Ward starts again',
        );
      };
      const names = new BoundedMap<string, string>(mostOpen);
      const opened: Connection[] = [];
      const connected: Listening['connected'] = ({ address, port, protocol }) => {
        const name = names.get(address);
        const called = name === undefined ? {} : { name };
        if (opened.length < mostConnections)
          opened.push({ ...called, address, port, protocol, at: Date.now() });
      };
      listeners.set(slot, { limits: request.limits, own: router.own, hear: request.onRefusal, connected });
      return openWay(router, slot, ++count, request, { parts, leave, names, opened });
    },
    close: () => routers.close(),
  };
}

interface Listening {
  readonly limits: EgressLimits;
  /** Addresses of this host. */
  own(): readonly Network[];
  hear(detail: string): void;
  connected(packet: Pick<TracedPacket, 'address' | 'port' | 'protocol'>): void;
}

/** What is known of one sandbox and its connections. */
interface Known {
  readonly parts: WayParts;
  /** @param rulesLeft why its rules are still in force; undefined when they are not */
  readonly leave: (rulesLeft: unknown) => void;
  /** Address → the name that led to it last. */
  readonly names: BoundedMap<string, string>;
  /** Those that nobody has read yet. */
  readonly opened: Connection[];
}

interface Routers {
  /** The router that works; makes one if there is none. @throws Fault EGRESS_UNAVAILABLE */
  current(): Promise<Router>;
  close(): Promise<void>;
}

function keepRouter(
  { dir, takeOwnerId, log }: WaysOutOptions,
  parts: WayParts,
  onRefusal: RouterOptions['onRefusal'],
): Routers {
  const all: Promise<Router>[] = [];
  let ownerId: number | undefined;
  let newest: Promise<Router> | undefined;
  const begin = (): Promise<Router> => {
    ownerId ??= takeOwnerId();
    const opening = parts.openRouter({ dir: join(dir, `router-${all.length + 1}`), ownerId, log, onRefusal });
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
  { parts, leave, names, opened }: Known,
): Promise<WayOut> {
  const { grants, limits, dir, tenant } = request;
  const namespace = join(dir, 'net');
  const resolvConf = join(dir, 'resolv.conf');
  await using stack = new AsyncDisposableStack();
  let areApplied = false;
  let rulesLeft: unknown;
  stack.defer(() => leave(rulesLeft));
  stack.defer(async () => {
    try {
      await router.filter.apply(removalOf({ slot, grants }), tenant);
    } catch (error) {
      // Rules that were refused are nowhere, and those of a broken router are gone with it.
      if (areApplied && !router.isBroken) rulesLeft = error;
    }
  });
  const applyRules = async (rules: string) => {
    await router.filter.apply(rules, tenant);
    areApplied = true;
  };
  let isHeld = true;
  const release = async (): Promise<void> => {
    if (isHeld) await parts.releaseNamespace(namespace);
    isHeld = false;
  };
  stack.defer(release);
  stack.defer(() => router.resolver.leave(slot));
  router.resolver.serve(slot, clientFor(router, slot, request, names));
  const share = await router.shares?.join(tenant, limits.machineBytesPerSecond);
  if (share !== undefined) stack.defer(() => router.shares?.leave(tenant));
  const starting = router.startUplink(slot, limits.connections);
  stack.defer(() => starting.then((started) => started.end()).catch(() => {}));
  const made = await Promise.allSettled([
    starting,
    parts.makeLinkedNamespace(namespace, router.namespace, slot),
    applyRules(sandboxRules({ slot, serial, grants, limits, share })),
    writeFile(resolvConf, resolvConfText(slot), { mode: 0o644 }),
  ]);
  for (const each of made) if (each.status === 'rejected') throw each.reason;
  const uplink = await starting;
  await router.shares?.lead(slot);
  const whole = stack.move();
  let closing: Promise<void> | undefined;
  const readTraffic = router.trafficOf(slot);
  let traffic = readTraffic();
  const look = () => {
    if (isHeld) traffic = readTraffic();
  };
  return {
    namespace,
    resolvConf,
    ended: uplink.ended.then(() => {}),
    chargeTo: uplink.chargeTo,
    told: () => router.told(),
    look,
    traffic() {
      look();
      const connections = opened.splice(0);
      return connections.length === 0 ? traffic : { ...traffic, connections };
    },
    close: () =>
      (closing ??= whole
        .disposeAsync()
        .then(release)
        .catch((error: unknown) => {
          // Let another call try again to release the namespace.
          closing = undefined;
          throw error;
        })),
  };
}

function clientFor(
  router: Router,
  slot: number,
  request: WayOutRequest,
  names: Known['names'],
): ResolverClient {
  const { grants, resolvers, onRefusal, tenant } = request;
  const account = createOpenAddresses((openings, seconds) =>
    router.filter.apply(openingOf(slot, openings, seconds), tenant),
  );
  const decide = createDecision({ grants, own: router.own, open: account.open, onRefusal });
  return {
    tenant,
    hosts: grants.hosts.map(({ host }) => host),
    resolvers,
    async decide(name, found) {
      const told = await decide(name, found);
      for (const address of told.addresses) names.set(address, name);
      return told;
    },
    onRefusal,
  };
}

/** There are no search domains, so one dot makes a name complete (`ndots:1`). */
function resolvConfText(slot: number): string {
  return `nameserver ${addressesOf(slot).gateway.ipv4}\noptions ndots:1 timeout:5 attempts:2\n`;
}

function describe(
  { reason, protocol, address, port }: Omit<TracedPacket, 'slot'>,
  { limits, own }: Listening,
): string {
  const refused = (why: string) => refusedPacket({ protocol, address, port }, why);
  if (reason === 'form')
    return refused('of a form that does not pass (fragment, options, extension header, or few hops)');
  if (reason === 'limit') {
    const { connections, connectionsPerSecond, packetsPerSecond, bytesPerSecond } = limits;
    const most = `${connections} connections, ${connectionsPerSecond} new, ${packetsPerSecond} packets and ${bytesPerSecond} bytes a second`;
    return refused(`past its limits (${most})`);
  }
  const network = parseAddress(address);
  const isOwn = network && own().some((each) => contains(each, network));
  const why = isOwn ? 'an address of this host' : network && refusedAs(network)?.why;
  return refused(why ?? 'no rule allows it');
}

interface Slots {
  take(): number;
  giveBack(slot: number): void;
}

/** Takes the slot that has been free for longest, so that addresses rest before they are reused. */
function createSlots(most: number): Slots {
  const back: number[] = [];
  let next = 1;
  return {
    take() {
      if (next <= most) return next++;
      const slot = back.shift();
      if (slot === undefined)
        throw egressFault('EGRESS_UNAVAILABLE', `${most} sandboxes have a way out, which is the limit`);
      return slot;
    },
    giveBack: (slot) => void back.push(slot),
  };
}
