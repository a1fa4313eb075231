/** The clients beside the load. Each does one thing again and again, through all nodes. */
import type { Violation } from '../chaos/evidence.ts';
import type { Exercise } from '../chaos/exercise.ts';
import type { Ward } from '../ward.ts';
import { Churn } from './churn.ts';
import type { ClusterNode } from './cluster.ts';
import { Crowd } from './crowd.ts';
import { Deploys } from './deploys.ts';
import type { Engines } from './engines.ts';
import type { LateRemovals } from './late-removals.ts';
import { Layers, layersRepository } from './layers.ts';
import { LimitedClients } from './limited.ts';
import { Pushes } from './pushes.ts';
import { RevokedKeys } from './revoked.ts';
import { blobsOf, codeKeys, codeStamps, layerKeys } from './store-checks.ts';

interface Places {
  readonly engines: Engines;
  readonly first: ClusterNode;
  /** Chooses a node. */
  readonly ward: () => Ward;
  /** The nodes that take calls now. */
  readonly wards: () => readonly Ward[];
  readonly removals: LateRemovals;
}

interface Parts {
  readonly churn: Churn;
  readonly crowd: Crowd;
  readonly deploys: Deploys;
  readonly layers: Layers;
  readonly limited: LimitedClients;
  readonly pushes: Pushes;
  readonly revoked: RevokedKeys;
}

export class Clients {
  readonly limited: LimitedClients;
  readonly revoked: RevokedKeys;
  readonly layers: Layers;
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.limited = parts.limited;
    this.revoked = parts.revoked;
    this.layers = parts.layers;
    this.#parts = parts;
  }

  static async start({ engines, first, ward, wards, removals }: Places): Promise<Clients> {
    const { store } = engines.settings;
    const limited = await LimitedClients.start(first, ward);
    const crowd = await Crowd.start(store, first.ward, wards);
    const revoked = await RevokedKeys.start(store, wards);
    return new Clients({
      ...{ limited, crowd, revoked },
      churn: new Churn({ ward, kept: () => codeKeys(engines), stamps: () => codeStamps(engines) }),
      deploys: new Deploys(ward),
      layers: new Layers({
        ward,
        kept: () => layerKeys(engines),
        held: () => blobsOf(engines, layersRepository),
        removals,
      }),
      pushes: new Pushes(ward),
    });
  }

  async end(): Promise<void> {
    await Promise.all(Object.values(this.#parts).map((each: { end(): Promise<void> }) => each.end()));
  }

  get complaints(): readonly string[] {
    return this.#parts.deploys.complaints;
  }

  /** What is known before the end. */
  found(): readonly Violation[] {
    const { churn, layers } = this.#parts;
    return [...churn.found, ...layers.found];
  }

  /** Looks at each node for what was pushed. */
  lost(wards: readonly Ward[]): Promise<readonly Violation[]> {
    return this.#parts.pushes.lost(wards);
  }

  /** @param needsRestored code must have been removed while it was deployed */
  exercised(needsRestored: boolean): readonly Exercise[] {
    const { churn, crowd, deploys, layers, limited, pushes, revoked } = this.#parts;
    return [
      { what: 'refusals for calls at once', count: limited.refused.concurrent },
      { what: 'refusals for calls in a minute', count: limited.refused.perMinute },
      { what: 'deployments seen on another node', count: deploys.seen },
      { what: 'deployments of code during its sweep', count: churn.races, isSlow: true },
      { what: 'of them after its removal', count: churn.restored, least: needsRestored ? 1 : 0 },
      { what: 'pushes of layers during their sweep', count: layers.races, isSlow: true },
      { what: 'of layers before a late removal', count: layers.lateRemovals, least: 0 },
      { what: 'bursts of records in many namespaces', count: crowd.bursts },
      { what: 'images pushed', count: pushes.count },
      { what: 'revoked keys refused', count: revoked.refused },
      { what: 'refusals of keys that could not be looked up', count: revoked.stale, least: 0 },
    ];
  }
}
