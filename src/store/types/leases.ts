import type { AcmeStore } from './acme.ts';
import type { ActivationStore } from './activations.ts';
import type { DeliveryStore } from './deliveries.ts';
import type { EntityStore } from './entities.ts';
import type { FeedStore } from './feeds.ts';
import type { NamespaceStore } from './namespaces.ts';

/** The right to do some work alone. It ends by the database's clock. */
export interface Lease {
  /** Names the work. */
  readonly name: string;
  /** Grows with each holder. By it, the database refuses writes of an earlier one. */
  readonly token: number;
}

export interface LeaseRequest {
  readonly name: string;
  /** Who asks, for messages. */
  readonly holder: string;
  readonly ms: number;
}

export interface LeaseStore {
  /** Undefined while a lease of that name runs, even one of the same holder. */
  take(request: LeaseRequest): Promise<Lease | undefined>;
  /** Lets it run for that long from now. False if it has ended, or another holder has it. */
  renew(lease: Lease, ms: number): Promise<boolean>;
  /** Ends it, unless another holder has it. */
  drop(lease: Lease): Promise<void>;
}

/**
 * Writes of the holder of a lease. Each checks in its own transaction that no one has taken the lease since: a holder
 * that slept too long changes nothing. @throws Fault STORE_LEASE_LOST
 */
export interface LeasedWrites {
  readonly namespaces: Pick<NamespaceStore, 'putSettings'>;
  readonly entities: Pick<EntityStore, 'put'>;
  readonly feeds: Pick<FeedStore, 'put'>;
  readonly deliveries: Pick<DeliveryStore, 'update'>;
  readonly activations: Pick<ActivationStore, 'prune'>;
  readonly acme: Pick<AcmeStore, 'put'>;
}
