/**
 * Where each namespace wants its logs, and the work of sending them there: whenever a record is on disk, the forwarder gets its
 * id. Without places that the operator allows, no namespace can have a destination, and records are not looked at.
 */
import { type EgressCeiling, pinAddress, type ResolveName, requireAllowedHost } from '../../egress/index.ts';
import {
  createForwarder,
  type ForwardingSettings,
  ownDestination,
  parseDestination,
  shownError,
} from '../../forwarding/index.ts';
import type { JsonObject, Log } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import { createBoundedCache } from '../entities/bounded-cache.ts';
import type { Forgetful } from '../entities/changed.ts';
import { concurrentUpdate, notFound } from '../faults.ts';
import type { Vault } from '../vault/vault.ts';
import { createErrorLog } from './error-log.ts';
import { destinationIn, forwardingRevision, withDestination } from './stored-destination.ts';

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
  /** Of all servers, since the settings were changed. */
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
  readonly store: Pick<Store, 'namespaces' | 'activations' | 'forwardingErrors'>;
  readonly vault: Vault;
  readonly rules: ForwardingRules;
  readonly log: Log;
}

/** Namespaces whose destination, or that there is none, is kept in memory. */
const cacheCapacity = 10_000;
/** Time to send what waits when the server stops. */
const closeMs = 2_000;

interface Known {
  /** Undefined: the logs stay here. */
  readonly settings: ForwardingSettings | undefined;
}

export function createLogForwarding({ store, vault, rules, log }: LogForwardingOptions): LogForwarding {
  const cache = createBoundedCache<Known>(cacheCapacity);
  const find = (namespace: string): Promise<Known | undefined> =>
    cache.load(namespace, async () => {
      const row = await store.namespaces.byName(namespace);
      return row && { settings: forwardingSettings(row.settings, namespace, vault) };
    });
  const settingsOf = async (namespace: string) => (await find(namespace))?.settings;
  const { ceiling, resolve } = rules;
  const read = (...of: [namespace: string, activationId: string]) => store.activations.logs(...of);
  const errorLog = createErrorLog({ store, log });
  const forwarder = createForwarder({
    read,
    settingsOf,
    pin: (place) => pinAddress(place, ceiling, resolve),
    report: (failure) => errorLog.note(failure),
    log,
  });

  return {
    get: async (namespace) => (await settingsOf(namespace))?.destination.shown ?? { [ownDestination]: {} },
    async set(namespace, given) {
      const destination = parseDestination(given);
      if (destination !== undefined) requireAllowedHost(destination.endpoint, ceiling);
      const row = await store.namespaces.byName(namespace);
      if (row === undefined) throw notFound();
      const settings = withDestination(row.settings, destination, namespace, vault);
      const isWritten = await store.namespaces.putSettings(namespace, settings, row.settings);
      cache.drop(namespace);
      if (!isWritten) throw concurrentUpdate();
      return destination?.shown ?? { [ownDestination]: {} };
    },
    async errors(namespace) {
      const destination = (await settingsOf(namespace))?.destination.name ?? ownDestination;
      return { destination, errors: (await errorLog.list(namespace)).map(shownError) };
    },
    recorded({ namespace, path, activationId, traceId }) {
      const add = (known: Known | undefined) => {
        if (known?.settings === undefined) return;
        const source = { namespace, action: path, activationId, ...(traceId && { traceId }) };
        forwarder.add(source, known.settings.revision);
      };
      const known = cache.get(namespace);
      if (known !== undefined) add(known);
      else
        find(namespace).then(add, (error: unknown) =>
          log.warn({ namespace, err: error }, 'logs are not forwarded'),
        );
    },
    forget: (changed) => cache.dropWhere((_, namespace) => changed?.namespaces.has(namespace) ?? true),
    async close() {
      await forwarder.close(closeMs);
      await errorLog.close();
    },
  };
}

/** @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
function forwardingSettings(
  settings: JsonObject,
  namespace: string,
  vault: Vault,
): ForwardingSettings | undefined {
  const destination = destinationIn(settings, namespace, vault);
  const revision = forwardingRevision(settings);
  return destination === undefined || revision === undefined ? undefined : { destination, revision };
}
