/**
 * Where each namespace wants its logs, and the work of sending them there: whenever a record is on disk, the forwarder gets its
 * id. Without places that the operator allows, no namespace can have a destination, and records are not looked at.
 */
import { type EgressCeiling, pinAddress, type ResolveName, requireAllowedHost } from '../../egress/index.ts';
import {
  createForwarder,
  type Destination,
  ownDestination,
  parseDestination,
} from '../../forwarding/index.ts';
import type { JsonObject, Log } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import { createBoundedCache } from '../entities/bounded-cache.ts';
import type { Forgetful } from '../entities/changed.ts';
import { concurrentUpdate, notFound } from '../faults.ts';
import type { Vault } from '../vault/vault.ts';
import { destinationIn, withDestination } from './stored-destination.ts';

export interface ForwardingRules {
  /** Where destinations may be. */
  readonly ceiling: EgressCeiling;
  /** Absent: the resolvers of the host. */
  readonly resolve?: ResolveName | undefined;
}

export interface ForwardingErrors {
  readonly destination: string;
  /** Newest last. */
  readonly errors: readonly string[];
}

export interface LogForwardingService {
  /** As Adobe's API has it, without secrets. */
  get(namespace: string): Promise<JsonObject>;
  /** @throws Fault DESTINATION_INVALID, EGRESS_INVALID, EGRESS_EXCEEDED, CONCURRENT_UPDATE, NOT_FOUND */
  set(namespace: string, given: unknown): Promise<JsonObject>;
  /** Errors of this server. */
  errors(namespace: string): Promise<ForwardingErrors>;
}

/** What the record says of an activation whose log may be forwarded. */
export interface Recorded {
  readonly namespace: string;
  /** `[pkg/]name`. */
  readonly path: string;
  readonly activationId: string;
  /** Undefined: it was not traced. */
  readonly traceId: string | undefined;
}

export interface LogForwarding extends LogForwardingService, Forgetful {
  /** Its record is on disk. Returns at once. */
  recorded(record: Recorded): void;
  close(): Promise<void>;
}

interface LogForwardingOptions {
  readonly store: Pick<Store, 'namespaces' | 'activations'>;
  readonly vault: Vault;
  readonly rules: ForwardingRules;
  readonly log: Log;
}

/** Namespaces whose destination, or that there is none, is kept in memory. */
const cacheCapacity = 10_000;
/** Time to send what waits when the server stops. */
const closeMs = 2_000;

interface Known {
  readonly destination: Destination | undefined;
}

export function createLogForwarding({ store, vault, rules, log }: LogForwardingOptions): LogForwarding {
  const cache = createBoundedCache<Known>(cacheCapacity);
  const find = (namespace: string): Promise<Known | undefined> =>
    cache.load(namespace, async () => {
      const row = await store.namespaces.byName(namespace);
      return row && { destination: destinationIn(row.settings, namespace, vault) };
    });
  const destinationOf = async (namespace: string) => (await find(namespace))?.destination;
  const { ceiling, resolve } = rules;
  const read = (...of: [namespace: string, activationId: string]) => store.activations.logs(...of);
  const forwarder = createForwarder({
    read,
    destinationOf,
    pin: (place) => pinAddress(place, ceiling, resolve),
    log,
  });

  return {
    get: async (namespace) => (await destinationOf(namespace))?.shown ?? { [ownDestination]: {} },
    async set(namespace, given) {
      const destination = parseDestination(given);
      if (destination !== undefined) requireAllowedHost(destination.endpoint, ceiling);
      const row = await store.namespaces.byName(namespace);
      if (row === undefined) throw notFound();
      const settings = withDestination(row.settings, destination, namespace, vault);
      const isWritten = await store.namespaces.putSettings(namespace, settings, row.settings);
      cache.drop(namespace);
      if (!isWritten) throw concurrentUpdate();
      forwarder.changed(namespace);
      return destination?.shown ?? { [ownDestination]: {} };
    },
    async errors(namespace) {
      const destination = (await destinationOf(namespace))?.name ?? ownDestination;
      return { destination, errors: forwarder.errors(namespace) };
    },
    recorded({ namespace, path, activationId, traceId }) {
      const add = (known: Known | undefined) => {
        if (known?.destination !== undefined)
          forwarder.add({ namespace, action: path, activationId, ...(traceId && { traceId }) });
      };
      const known = cache.get(namespace);
      if (known !== undefined) add(known);
      else
        find(namespace).then(add, (error: unknown) =>
          log.warn({ namespace, err: error }, 'logs are not forwarded'),
        );
    },
    forget: (changed) => cache.dropWhere((_, namespace) => changed?.namespaces.has(namespace) ?? true),
    close: () => forwarder.close(closeMs),
  };
}
