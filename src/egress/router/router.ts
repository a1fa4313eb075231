/**
 * The one router of a Ward: a network namespace between its sandboxes and the machine, with the packet filter, the
 * resolver and the uplinks. Ward makes it when the first sandbox with a rule starts, so that it costs nothing before.
 * All of it ends with Ward's mount and pid namespace, even when Ward is killed.
 *
 *   sandbox ── veth ── [ packet filter │ resolver ] ── a pasta for each sandbox ── sockets of the host
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Log, messageOf } from '../../lib/index.ts';
import type { Network } from '../networks.ts';
import { type OwnAddresses, watchOwnAddresses } from '../own-addresses.ts';
import { requirePrograms } from '../programs.ts';
import { type Resolver, startResolver } from '../resolver/resolver.ts';
import { makeResolverSockets } from '../resolver/sockets.ts';
import { readDevices, type Traffic, trafficReader } from '../traffic.ts';
import { releaseNamespace } from './links.ts';
import { createMarks, firstMark } from './marks.ts';
import { makeRouterNamespace } from './namespace.ts';
import { openPacketFilter, type PacketFilter } from './packet-filter.ts';
import { readTraces, type TracedPacket, type TraceReader } from './refusals.ts';
import { baseRules, ownAddressRules } from './ruleset.ts';
import { openShares, type Shares } from './shares.ts';
import { startUplink, type Uplink } from './uplink.ts';

export interface RouterOptions {
  /** A folder of Ward's own, in its own mount namespace; the router makes it. */
  readonly dir: string;
  /** User and group id that no other process has. */
  readonly ownerId: number;
  readonly log: Log;
  readonly onRefusal: (packet: TracedPacket & { readonly slot: number }) => void;
}

export interface Router {
  readonly namespace: string;
  readonly filter: PacketFilter;
  readonly resolver: Resolver;
  /** Addresses of this host, milliseconds after a change; the packet filter gets them soon after. */
  own(): readonly Network[];
  /** Undefined where the kernel can't share the network between namespaces. */
  readonly shares: Shares | undefined;
  /** @throws Fault EGRESS_UNAVAILABLE */
  startUplink(slot: number, connections: number): Promise<Uplink>;
  /** Settles when every refusal so far has been reported. Never rejects. */
  told(): Promise<void>;
  /** Reads what the sandbox of that slot has sent and received. */
  trafficOf(slot: number): () => Traffic;
  /** A part of the router has ended: nothing passes any more. */
  readonly isBroken: boolean;
  close(): Promise<void>;
}

const toldWithinMs = 250;

/** @throws Fault EGRESS_UNAVAILABLE */
export async function openRouter(options: RouterOptions): Promise<Router> {
  requirePrograms();
  await using stack = new AsyncDisposableStack();
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  stack.defer(() => rm(options.dir, { recursive: true, force: true }));
  const path = join(options.dir, 'router');
  stack.defer(() => releaseNamespace(path));
  const namespace = await makeRouterNamespace(path, options.ownerId);
  stack.defer(() => namespace.end());
  // Load the rules before any uplink exists: nothing ever passes without rules.
  const filter = openPacketFilter(path);
  const hostAddresses = await watchOwnAddresses((own) => filter.apply(ownAddressRules(own), ''));
  stack.defer(() => hostAddresses.end());
  await filter.apply(baseRules(hostAddresses.read()), '');
  const shares = await openShares(path).catch((error: unknown) => {
    const said = messageOf(error);
    options.log.warn({ said }, 'egress: namespaces have no shares of the network; limits of sandboxes hold');
    return undefined;
  });
  const hasIpv6 = () => hostAddresses.read().some(isReachingIpv6);
  const resolver = await startResolver(() => makeResolverSockets(path), hasIpv6);
  stack.defer(() => resolver.end());
  const marks = createMarks((port) => resolver.mark(port));
  const traces = readTraces(path, (packet) => {
    if (packet.slot === undefined) marks.reached(packet.port);
    else options.onRefusal({ ...packet, slot: packet.slot });
  });
  stack.defer(() => traces.end());
  const uplinks = new Set<Uplink>();
  const endUplinks = async () => void (await Promise.all([...uplinks].map((uplink) => uplink.end())));
  stack.defer(endUplinks);
  const state = watchParts({ traces, hostAddresses, resolver }, endUplinks, options.log);
  stack.defer(() => state.close());
  await firstMark(marks, () => state.broken);
  const parts = stack.move();
  return {
    namespace: path,
    filter,
    resolver,
    shares,
    own: hostAddresses.read,
    async startUplink(slot, connections) {
      const uplink = await startUplink(namespace, slot, connections);
      uplinks.add(uplink);
      const end = () => {
        uplinks.delete(uplink);
        return uplink.end();
      };
      void uplink.ended.then((said) => {
        const isAsked = !uplinks.delete(uplink);
        if (said !== undefined && !isAsked)
          options.log.warn({ said }, 'egress: the uplink of a sandbox has ended, and the sandbox with it');
      });
      if (state.broken !== undefined) await end();
      return { ...uplink, end };
    },
    told: async () => {
      if (state.broken === undefined) await marks.pass(toldWithinMs);
    },
    trafficOf: (slot) => trafficReader(slot, () => readDevices(namespace.holderPid)),
    get isBroken() {
      return state.broken !== undefined;
    },
    close: () => parts.disposeAsync(),
  };
}

function isReachingIpv6({ family, text }: Network): boolean {
  return family === 6 && text !== '::1/128' && !text.startsWith('fe80:');
}

interface PartsState {
  /** Which part ended, and how; undefined while all run. */
  readonly broken: string | undefined;
  /** From now on the parts are expected to end. */
  close(): void;
}

interface Parts {
  readonly traces: TraceReader;
  readonly hostAddresses: OwnAddresses;
  readonly resolver: Resolver;
}

/**
 * Watches the parts. If the trace of refused packets or the watch of this host's addresses ends, every uplink ends:
 * refusals must be reported, and addresses of the host must stay closed.
 */
function watchParts(
  { traces, hostAddresses, resolver }: Parts,
  endUplinks: () => Promise<void>,
  log: Log,
): PartsState {
  let broken: string | undefined;
  let isClosing = false;
  const end = (what: string) => (how: string) => {
    if (broken === undefined && !isClosing) {
      log.error({ how }, `egress: ${what} has ended; sandboxes with egress rules reach nothing now`);
    }
    broken ??= `${what} has ended: ${how}`;
    void endUplinks();
  };
  void traces.ended.then(end('the trace'));
  void resolver.ended.then(end('the resolver'));
  void hostAddresses.ended.then(end('the watch of this host’s addresses'));
  return {
    get broken() {
      return broken;
    },
    close() {
      isClosing = true;
    },
  };
}
