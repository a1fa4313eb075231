/**
 * The one router of a Ward: a network namespace between its sandboxes and the machine, with the packet filter, the
 * resolver and the uplink. Made when the first sandbox with a rule starts, so that it costs nothing before. All of it
 * ends with Ward's mount and pid namespace, even when Ward is killed.
 *
 *   sandbox ── veth ── [ packet filter │ resolver │ NAT ] ── pasta ── sockets of the host
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../lib/index.ts';
import type { Network } from '../networks.ts';
import { readOwnAddresses } from '../own-addresses.ts';
import { type Listener, listen } from '../resolver/listener.ts';
import { makeResolverSockets } from '../resolver/sockets.ts';
import { letGoOfNamespace } from './links.ts';
import { makeRouterNamespace } from './namespace.ts';
import { openPacketFilter, type PacketFilter } from './packet-filter.ts';
import { requirePrograms, unavailable } from './programs.ts';
import { readTraces, type TracedPacket } from './refusals.ts';
import { baseRules, ownAddressRules } from './ruleset.ts';
import { startUplink } from './uplink.ts';

export interface RouterOptions {
  /** A folder of Ward's own, in its own mount namespace; it is made. */
  readonly dir: string;
  /** User and group id of no other process. */
  readonly ownerId: number;
  readonly log: Log;
  readonly onRefusal: (packet: TracedPacket & { readonly slot: number }) => void;
}

export interface Router {
  readonly namespace: string;
  readonly filter: PacketFilter;
  readonly listener: Listener;
  /** Addresses of this host as they are now; the packet filter has them soon after. */
  own(): readonly Network[];
  /** Settles when everything that was refused before has been told. Never rejects. */
  told(): Promise<void>;
  /** A part of it has ended: nothing passes any more. */
  readonly isBroken: boolean;
  close(): Promise<void>;
}

const ownAddressesEveryMs = 5000;
const toldWithinMs = 250;
const patienceMs = 10_000;

/** @throws Fault EGRESS_UNAVAILABLE */
export async function openRouter(options: RouterOptions): Promise<Router> {
  requirePrograms();
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const undo: (() => unknown)[] = [() => rm(options.dir, { recursive: true, force: true })];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await assemble(options, undo, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function assemble(
  { dir, ownerId, log, onRefusal }: RouterOptions,
  undo: (() => unknown)[],
  close: () => Promise<void>,
): Promise<Router> {
  const path = join(dir, 'router');
  undo.push(() => letGoOfNamespace(path));
  const namespace = await makeRouterNamespace(path, ownerId);
  undo.push(() => namespace.settle());
  // Before the uplink is there: nothing ever passes without rules.
  const filter = openPacketFilter(path);
  const hostAddresses = watchOwnAddresses((own) =>
    filter
      .apply(ownAddressRules(own))
      .catch((error: unknown) => log.error({ err: error }, 'egress: own addresses')),
  );
  undo.push(() => hostAddresses[Symbol.dispose]());
  await filter.apply(baseRules(hostAddresses.read()));
  const uplink = await startUplink(namespace);
  undo.push(() => uplink.end());
  namespace.settle();
  const listener = listen(await makeResolverSockets(path));
  undo.push(() => listener.close());
  const marks = createMarks((port) => listener.mark(port));
  const traces = readTraces(path, (packet) => {
    if (packet.slot === undefined) marks.reached(packet.port);
    else onRefusal({ ...packet, slot: packet.slot });
  });
  undo.push(() => traces.end());
  const state = { isBroken: false, isClosing: false };
  undo.push(() => {
    state.isClosing = true;
  });
  for (const [what, ended] of [
    ['the uplink', uplink.ended],
    ['the trace', traces.ended],
  ] as const) {
    void ended.then((said) => {
      state.isBroken = true;
      // What is not told must not pass.
      void uplink.end();
      if (!state.isClosing)
        log.error({ said }, `egress: ${what} has ended; sandboxes with rules reach nothing now`);
    });
  }
  await firstMark(marks);
  return {
    namespace: path,
    filter,
    listener,
    own: hostAddresses.read,
    told: () => (state.isBroken ? Promise.resolve() : marks.pass(toldWithinMs).then(() => {})),
    get isBroken() {
      return state.isBroken;
    },
    close,
  };
}

/** The trace tells nothing of what was before it listens. */
async function firstMark(marks: Marks): Promise<void> {
  const patience = performance.now() + patienceMs;
  while (!(await marks.pass(20))) {
    if (performance.now() > patience) throw unavailable('nft monitor tells of no packets');
    await sleep(10);
  }
}

interface Marks {
  /** Sends a mark; true when it has been traced, false after `withinMs`. */
  pass(withinMs: number): Promise<boolean>;
  reached(port: number): void;
}

/** Packets to ports of Ward's own choice: when one is told of, all before it have been. */
function createMarks(send: (port: number) => void): Marks {
  const waiting = new Map<number, () => void>();
  let count = 0;
  return {
    pass(withinMs) {
      const port = 20_000 + (count++ % 10_000);
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle(false), withinMs);
        const settle = (isReached: boolean) => {
          clearTimeout(timer);
          waiting.delete(port);
          resolve(isReached);
        };
        waiting.set(port, () => settle(true));
        send(port);
      });
    },
    reached: (port) => waiting.get(port)?.(),
  };
}

interface OwnAddresses extends Disposable {
  read(): readonly Network[];
}

/** @param onChange Hears of them when they are no longer what they were. */
function watchOwnAddresses(onChange: (own: readonly Network[]) => void): OwnAddresses {
  let known = readOwnAddresses();
  const read = () => {
    const now = readOwnAddresses();
    const textOf = (addresses: readonly Network[]) => addresses.map(({ text }) => text).join(' ');
    if (textOf(now) !== textOf(known)) {
      known = now;
      onChange(now);
    }
    return known;
  };
  const timer = setInterval(read, ownAddressesEveryMs);
  timer.unref();
  return { read, [Symbol.dispose]: () => clearInterval(timer) };
}
