/** Puts the domain's services together; the composition root hands in what they stand on. */
import type { BlobStore } from '../images/index.ts';
import type { Invoker } from '../invoker/index.ts';
import type { Log } from '../lib/index.ts';
import type { Store } from '../store/index.ts';
import { type ActionService, createActions } from './actions.ts';
import { type ActivationService, createActivations } from './activations.ts';
import { createCodeStore } from './code-store.ts';
import { createFlights } from './flights.ts';
import { watchForeignWrites } from './foreign-writes.ts';
import { createInvocations, type InvocationService } from './invocations.ts';
import { defaultLimits, type SystemLimits } from './limits.ts';
import { createNamespaces, type NamespaceService } from './namespaces.ts';
import { defaultRuntimes, type Runtime } from './runtimes.ts';

export interface FunctionsOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly invoker: Pick<Invoker, 'admit' | 'run' | 'retire'>;
  readonly log: Log;
  /** What differs from the defaults. */
  readonly limits?: Partial<SystemLimits>;
  readonly runtimes?: readonly Runtime[];
}

export interface Functions {
  readonly limits: SystemLimits;
  readonly runtimes: readonly Runtime[];
  readonly namespaces: NamespaceService;
  readonly actions: ActionService;
  readonly activations: Omit<ActivationService, 'expect' | 'arrived'>;
  readonly invocations: InvocationService;
  /**
   * Refuses new invocations, waits for those under way, and records as interrupted what takes longer than
   * `drainMs`. Call before the invoker and the store are closed.
   */
  close(drainMs: number): Promise<void>;
}

export function createFunctions(options: FunctionsOptions): Functions {
  const { store, blobs, invoker, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const runtimes = options.runtimes ?? defaultRuntimes;
  const namespaces = createNamespaces(store, limits);
  const code = createCodeStore(blobs, store.entities, log);
  const actions = createActions({ entities: store.entities, code, invoker, limits, runtimes });
  const activations = createActivations(store.activations);
  const flights = createFlights({ store, invoker, code, namespaces, activations, log });
  const invocations = createInvocations({
    actions,
    accepted: store.accepted,
    activations: store.activations,
    invoker,
    flights,
    log,
  });
  const forget = () => {
    namespaces.forget();
    actions.forget();
  };
  const watch = watchForeignWrites(store, forget, log);

  return {
    limits,
    runtimes,
    namespaces,
    actions,
    activations,
    invocations,
    async close(drainMs) {
      await invocations.close(drainMs);
      watch[Symbol.dispose]();
    },
  };
}
