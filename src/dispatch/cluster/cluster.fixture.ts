/** Clusters of nodes in one process, on a bus that loses, doubles and delays what a test tells it to. */

import type { Bus, BusMessage, BusState } from '../../bus/index.ts';
import { randomHex, silentLog } from '../../lib/index.ts';
import type { InvokerAbilities } from '../abilities.ts';
import type { InvokerDirectory, InvokerReport, LoadNote, SentJob } from '../placement/types.ts';
import type { Dispatcher } from '../types.ts';
import { decodeFrame, type MessageType } from '../wire/frames.ts';
import { defaultMessageLimits } from '../wire/messages.ts';
import { joinCluster } from './cluster.ts';
import type { Cluster, ClusterOptions, LocalInvoker } from './types.ts';

/** What becomes of a message: how often it arrives, or when. */
export type Fate = 'arrives' | 'is lost' | 'arrives twice' | 'arrives after others';

/** Far longer than other messages take, and shorter than a node waits before it sends one again. */
const lateMs = 50;

export interface Passing {
  readonly type: MessageType | undefined;
  readonly subject: string;
  readonly bytes: Buffer;
}

/** Everything that was published, in order. Set `fate` to decide about each message. */
export class MemoryNetwork {
  fate: (passing: Passing) => Fate = () => 'arrives';
  readonly seen: Passing[] = [];
  readonly #buses = new Set<MemoryBus>();

  bus(): MemoryBus {
    const bus = new MemoryBus(this);
    this.#buses.add(bus);
    return bus;
  }

  /** Numbers of the messages of that type so far. */
  count(type: MessageType): number {
    return this.seen.filter((each) => each.type === type).length;
  }

  carry(subject: string, bytes: Buffer, reply: string | undefined): void {
    const passing = { subject, bytes, type: typeOf(bytes) };
    this.seen.push(passing);
    const fate = this.fate(passing);
    const times = { arrives: 1, 'is lost': 0, 'arrives twice': 2, 'arrives after others': 1 }[fate];
    const buses = [...this.#buses].filter((bus) => bus.hears(subject));
    const arrive = () => {
      for (const bus of buses) bus.deliver({ subject, bytes, isUnheard: false });
    };
    for (let n = 0; n < times; n++)
      if (fate === 'arrives after others') setTimeout(arrive, lateMs);
      else setImmediate(arrive);
    if (fate === 'is lost' || buses.length > 0 || reply === undefined) return;
    const unheard = { subject: reply, bytes: Buffer.alloc(0), isUnheard: true };
    for (const bus of this.#buses) setImmediate(() => bus.deliver(unheard));
  }
}

export class MemoryBus implements Bus {
  readonly #network: MemoryNetwork;
  readonly #subscribed = new Set<{ readonly words: readonly string[]; on: (message: BusMessage) => void }>();
  readonly #listeners = new Set<(state: BusState) => void>();
  #state: BusState = 'up';

  constructor(network: MemoryNetwork) {
    this.#network = network;
  }

  get state(): BusState {
    return this.#state;
  }

  set state(state: BusState) {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }

  publish(subject: string, bytes: Uint8Array, reply?: string): boolean {
    if (this.#state === 'down') return false;
    this.#network.carry(subject, Buffer.from(bytes), reply);
    return true;
  }

  subscribe(subject: string, on: (message: BusMessage) => void): Disposable {
    const subscription = { words: subject.split('.'), on };
    this.#subscribed.add(subscription);
    return { [Symbol.dispose]: () => void this.#subscribed.delete(subscription) };
  }

  onState(listener: (state: BusState) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  untilUp = async () => this.#state === 'up';
  flush = async () => {};

  hears(subject: string): boolean {
    return this.#state === 'up' && [...this.#subscribed].some(({ words }) => fits(words, subject));
  }

  deliver(message: BusMessage): void {
    if (this.#state === 'down') return;
    for (const { words, on } of [...this.#subscribed]) if (fits(words, message.subject)) on(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscribed.clear();
  }
}

/** Chooses all invokers that were heard, in the order of their names. */
export function anyDirectory(): InvokerDirectory & {
  readonly sent: readonly string[];
  /** What the replies said about jobs that run there. */
  readonly loads: readonly (number | undefined)[];
} {
  const loads: (number | undefined)[] = [];
  const heard = new Map<string, InvokerReport>();
  const sent: string[] = [];
  const note = (node: string, how: string, load: LoadNote | undefined) => {
    sent.push(`${node} ${how}`);
    loads.push(load?.active);
  };
  return {
    ...{ sent, loads },
    hear: (node, report) => void heard.set(node, report),
    forget: (node) => void heard.delete(node),
    views: () => [],
    choose: () => [...heard].flatMap(([node, { isDraining }]) => (isDraining ? [] : [node])).toSorted(),
    send: (node): SentJob => ({
      accepted: (load) => note(node, 'accepted', load),
      settled: (how, load) => note(node, how, load),
    }),
  };
}

/** The invoker of a test as that of a node. It says the number of each reply as its load. */
export function localInvoker(
  dispatcher: Dispatcher,
  abilities: () => Promise<InvokerAbilities>,
): LocalInvoker {
  let replies = 0;
  return {
    ...dispatcher,
    abilities,
    load: () => ({
      status: dispatcher.status(),
      ...{ processors: 2, idleMiB: 0, mostStarting: 10, mostQueued: 100, idle: [], soonFree: [] },
    }),
    note: () => ({ active: ++replies, starting: 0, queued: 0, freeMiB: 0, idleMiB: 0 }),
  };
}

/** Joins quickly: no one waits for an owner of the name. */
export function join(
  bus: Bus,
  options: Partial<ClusterOptions> & Pick<ClusterOptions, 'node'>,
): Promise<Cluster> {
  return joinCluster({
    ...{ bus, cluster: 'test', version: '0.0.0', nameMs: 0, directory: anyDirectory() },
    ...{ role: options.invoker === undefined ? 'api' : 'invoker', invoker: undefined },
    ...{ onViolation: () => {}, log: silentLog },
    ...options,
  });
}

/** A name for a cluster of its own on a shared bus. */
export function newClusterName(): string {
  return randomHex(4);
}

function fits(words: readonly string[], subject: string): boolean {
  const found = subject.split('.');
  return words.length === found.length && words.every((word, at) => word === '*' || word === found[at]);
}

function typeOf(bytes: Buffer): MessageType | undefined {
  try {
    return decodeFrame(bytes, defaultMessageLimits).type;
  } catch {
    return undefined;
  }
}
