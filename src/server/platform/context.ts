/** The context of every part of a platform. */
import type { OwnCalls } from '../../dispatch/index.ts';
import type { Runtime, SystemLimits } from '../../functions/index.ts';
import type { GateEvent } from '../../gate/index.ts';
import { type RuntimeKind, runtimeKinds } from '../../images/index.ts';
import type { ApiConnection } from '../../invoker/index.ts';
import type { JsonObject, Log } from '../../lib/index.ts';
import type { ViolationSink } from '../../sandbox/index.ts';
import type { CertificatePlace } from '../acme/places.ts';
import { buildInfo } from '../build-info.ts';
import type { Config } from '../config/config.ts';
import { runtimesWithAliases } from '../config/kind-aliases.ts';
import { systemLimits } from '../config/limits.ts';
import type { GuardedImagesOptions } from '../gate/guarded-images.ts';
import { createFigures, type Figures } from './metrics/figures.ts';

export interface Context {
  readonly config: Config;
  readonly log: Log;
  readonly figures: Figures;
  readonly events: Events;
  readonly limits: SystemLimits;
  /** The first one is the default of `default`. */
  readonly kinds: readonly RuntimeKind[];
  /** The kinds, and their aliases. */
  readonly runtimes: readonly Runtime[];
  /** URL under which clients reach Ward, without a slash at its end. */
  readonly apiHost: () => string;
  /** True when the start is complete, and calls arrive. */
  readonly isServing: () => boolean;
}

/** Callbacks from lower rooms to higher ones, which are created later and register themselves here. */
export interface Events {
  gateChanged: (event: GateEvent) => void;
  sandboxViolated: ViolationSink;
  /** Notifies a namespace and the operator. */
  fireSecurity: (namespace: string, payload: JsonObject) => void;
  apiConnected: (connection: ApiConnection) => void;
  registryQuota: NonNullable<GuardedImagesOptions['registryQuota']>;
  /** Another server may have changed the store. */
  storeChanged: () => void;
  /** Lets other servers look at once for what this one changed. */
  tellOthers: () => void;
  /** Activations that this server has taken. */
  ownCalls: OwnCalls;
  /** The trace of one of them. */
  traceIdOfCall: (activationId: string) => string | undefined;
  certificatePlaceOf: (domain: string) => CertificatePlace;
}

/** @param url where the platform listens; empty before. @throws Fault CONFIG_INVALID */
export function createContext(config: Config, log: Log, url: () => string): Context {
  const kinds = runtimeKinds().toSorted((a, b) => Number(b.default) - Number(a.default));
  return {
    config,
    log,
    figures: createFigures(buildInfo.buildno, config.metrics.actionsPerNamespace),
    events: {
      gateChanged: () => {},
      sandboxViolated: () => {},
      fireSecurity: () => {},
      apiConnected: ({ socket }) => socket.destroy(),
      registryQuota: () => 0,
      storeChanged: () => {},
      tellOthers: () => {},
      traceIdOfCall: () => undefined,
      ownCalls: { has: () => false, cancel: async () => false, follow: () => undefined },
      certificatePlaceOf: () => 'none',
    },
    limits: systemLimits(config),
    kinds,
    runtimes: runtimesWithAliases(kinds, config.kindAliases),
    apiHost: () => config.apiHost ?? url(),
    isServing: () => url() !== '',
  };
}
