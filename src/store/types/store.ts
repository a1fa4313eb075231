/** Durable state, by concept. The store keeps documents; rooms above know their meaning. */
import type { Fault } from '../../lib/index.ts';
import type { SentEntries } from '../sent-entries.ts';
import type { AcceptedQueue } from './accepted.ts';
import type { AcmeStore } from './acme.ts';
import type { ActivationStore } from './activations.ts';
import type { ApiStore } from './apis.ts';
import type { ChangeStore } from './changes.ts';
import type { ClusterNodeStore } from './cluster-nodes.ts';
import type { CodeMarkStore } from './code-marks.ts';
import type { DeliveryStore } from './deliveries.ts';
import type { DomainStore } from './domains.ts';
import type { EgressStore } from './egress.ts';
import type { EntityStore } from './entities.ts';
import type { FeedStore } from './feeds.ts';
import type { ForwardingErrorStore } from './forwarding-errors.ts';
import type { HoldingStore } from './holdings.ts';
import type { KeyStore } from './keys.ts';
import type { Lease, LeasedWrites, LeaseStore } from './leases.ts';
import type { MemberStore } from './members.ts';
import type { NamespaceMemberStore } from './namespace-members.ts';
import type { NamespaceStore } from './namespaces.ts';
import type { SessionStore } from './sessions.ts';
import type { SpentTokenStore } from './spent-tokens.ts';
import type { UnsealedEntries } from './unsealed.ts';
import type { UsageStore } from './usage.ts';
import type { UsageSlotStore } from './usage-slots.ts';
import type { ViolationStore } from './violations.ts';

/** Whether appended records reach the disk. */
export interface Recording {
  /**
   * Undefined while they do. A trouble begins with the first failed write, and ends with the first that succeeds.
   * Every call reads it.
   */
  trouble(): RecordingTrouble | undefined;
  /** Writes that wait in memory. */
  waiting(): number;
}

export interface RecordingTrouble {
  /** Epoch milliseconds. */
  readonly since: number;
  /** Fault of the latest try. */
  readonly fault: Fault;
}

/** A change of the tables that has been made. */
export interface AppliedMigration {
  readonly name: string;
  /** Epoch milliseconds; null if the database has no valid time. */
  readonly at: number | null;
}

export interface Store extends AsyncDisposable {
  readonly entities: EntityStore;
  readonly keys: KeyStore;
  readonly feeds: FeedStore;
  readonly deliveries: DeliveryStore;
  readonly apis: ApiStore;
  readonly domains: DomainStore;
  readonly violations: ViolationStore;
  readonly activations: ActivationStore;
  readonly accepted: AcceptedQueue;
  readonly namespaces: NamespaceStore;
  readonly namespaceMembers: NamespaceMemberStore;
  readonly holdings: HoldingStore;
  readonly members: MemberStore;
  readonly clusterNodes: ClusterNodeStore;
  readonly changes: ChangeStore;
  readonly leases: LeaseStore;
  readonly acme: AcmeStore;
  /** The writes of a lease's holder. */
  under(lease: Lease): LeasedWrites;
  readonly codeMarks: CodeMarkStore;
  readonly sessions: SessionStore;
  readonly spentTokens: SpentTokenStore;
  readonly unsealed: UnsealedEntries;
  readonly sentEntries: SentEntries;
  readonly usage: UsageStore;
  readonly usageSlots: UsageSlotStore;
  readonly egress: EgressStore;
  readonly forwardingErrors: ForwardingErrorStore;
  readonly recording: Recording;
  /** Of these tables, the oldest first. Other rooms have tables and migrations of their own. */
  appliedMigrations(): Promise<readonly AppliedMigration[]>;
  /** Writes pending data and closes. */
  close(): Promise<void>;
}
