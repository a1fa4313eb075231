/**
 * The tables, as the queries see them. Documents are JSON text; times are epoch milliseconds. `migrations/` creates
 * the tables.
 */
import type { ColumnType, Generated } from 'kysely';

export interface NamespaceTable {
  name: string;
  key_id: string;
  key_hash: string;
  limits: string;
  created_at: number;
  settings: string;
}

export interface KeyTable {
  key_id: string;
  namespace: string;
  key_hash: string;
  scope: string;
  label: string;
  created_at: number;
  expires_at: number | null;
  /** Whose login it is from. */
  person: string | null;
  /** Null for keys that an earlier Ward made. */
  maker: string | null;
}

export interface NamespaceMemberTable {
  namespace: string;
  person: string;
  name: string;
  role: string;
  first_login_at: number;
  last_login_at: number;
  ended_at: number | null;
}

/** When a person logged out everywhere, by the clock of the database. */
export interface LogoutTable {
  person: string;
  at: number;
}

export interface EntityTable {
  namespace: string;
  path: string;
  /** The package's name in `path`, or empty. */
  package: string;
  collection: string;
  revision: string;
  updated_at: number;
  code_digest: string | null;
  document: string;
  link: string | null;
  /** 0 or 1. */
  shared: number;
}

/** At most one for each action, deleted with it. */
export interface EarlierCodeTable {
  namespace: string;
  path: string;
  digest: string;
  document: string;
}

/** A view: the code of all entities, and all earlier code. */
export interface NamedCodeView {
  namespace: string;
  path: string;
  digest: string;
}

export interface ActivationTable {
  activation_id: string;
  namespace: string;
  name: string;
  path: string;
  start: number;
  end: number | null;
  status_code: number;
  /** The document without its `response`, which can be large and which lists leave out. */
  document: string;
  response: string | null;
  /** What the day of its start counts of it; null for a firing and for records of older servers, which are not counted. */
  mib_ms: number | null;
  /** 0 or 1. */
  cold: number | null;
  /** Null where `mib_ms` is, and for records from before these were counted. */
  sent_bytes: number | null;
  received_bytes: number | null;
}

/** Written by the batches that add records; stays when records or the namespace are deleted. */
export interface UsageDayTable {
  /** Days since 1970, UTC. */
  day: number;
  namespace: string;
  /** When the namespace was created: a later one of that name has rows of its own. */
  born: number;
  calls: number;
  /** How many of them left no record. */
  unrecorded: number;
  mib_ms: number;
  cold_starts: number;
  sent_bytes: Generated<number>;
  received_bytes: Generated<number>;
  /** Sum of the samples of the day, and their number. */
  stored_byte_hours: Generated<number>;
  stored_hours: Generated<number>;
  /** The last hour that was sampled, since 1970. */
  stored_hour: Generated<number>;
}

/** Written by the batches that add records. It also has a number of calls for each band of durations. */
export interface UsageSlotTable {
  /** Length of the slot. */
  minutes: number;
  namespace: string;
  /** As in `UsageDayTable`. */
  born: number;
  /** Since 1970. */
  slot: number;
  calls: number;
  failed: number;
  cold_starts: number;
}

/** Written by the batches that add records, and deleted with the namespace. */
export interface UsageEgressTable {
  namespace: string;
  /** `name` or `package/name`; empty in the row of all that the namespace has no rows left for. */
  action: string;
  /** A name or an address; empty for what is not told apart. */
  target: string;
  port: number;
  protocol: string;
  /** Why it was refused; empty: it was not. */
  refusal: string;
  /** Days since 1970, UTC. */
  day: number;
  calls: number;
  attempts: number;
  sent_bytes: number;
  received_bytes: number;
  /** The latest of the calls, and when it started. */
  last_at: number;
  last_call: string;
}

/** Only activations with log lines have a row. */
export interface ActivationLogTable {
  activation_id: string;
  lines: string;
}

/** Only activations whose input is stored have a row. */
export interface ActivationInputTable {
  activation_id: string;
  input: string;
}

/** One row per namespace: created with it and counted down by triggers, counted up by the batches that add records. */
export interface ActivationCountTable {
  namespace: string;
  total: number;
  /** Start of the newest record that was deleted. */
  last_deleted_start: number | null;
  /** Size of the records, with their logs and inputs. */
  bytes: number;
}

/** One row per namespace, updated by triggers. */
export interface HoldingsTable {
  namespace: string;
  entity_bytes: number;
  code_bytes: number;
}

/** Sizes of the code that entities name; a row is deleted with the last of them. */
export interface CodeBlobTable {
  digest: string;
  bytes: number;
}

export interface AcceptedTable {
  activation_id: string;
  namespace: string;
  accepted_at: number;
  attempt: number;
  job: string;
  /** Name of a node, or empty. */
  owner: string;
  code_digest: string | null;
}

/** Servers that work on the accepted queue, and the end of their leases; a server without a lease can be missing. */
export interface NodeTable {
  name: string;
  lease_until: number;
}

/** Written by triggers only, and by pruning. */
export interface ChangeTable {
  seq: Generated<number>;
  at: Generated<number>;
  /** PostgreSQL's transaction; 0 in SQLite. */
  tx: Generated<number>;
  kind: string;
  namespace: string;
  path: string;
}

export interface LeaseTable {
  name: string;
  holder: string;
  /** Grows with each holder. */
  token: number;
  until: number;
}

export interface FeedTable {
  namespace: string;
  trigger: string;
  provider: string;
  revision: string;
  token: string | null;
  due_at: number | null;
  document: string;
}

export interface DeliveryTable {
  id: string;
  namespace: string;
  rule: string;
  state: string;
  attempt: number;
  created_at: number;
  due_at: number;
  document: string;
}

export interface ApiTable {
  namespace: string;
  base_path: string;
  revision: string;
  updated_at: number;
  document: string;
}

/** The database lets one row of a name have `proved_at`. Either `package` or `base_path` is null. */
export interface DomainTable {
  namespace: string;
  name: string;
  token: string;
  package: string | null;
  base_path: string | null;
  created_at: number;
  proved_at: number | null;
}

export interface ViolationTable {
  id: Generated<number>;
  namespace: string;
  at: number;
  kind: string;
  detail: string;
  action: string | null;
  activation_id: string | null;
}

export interface MemberTable {
  name: string;
  role: string;
  key: string;
  joined_at: number;
  expires_at: number;
  removed_at: number | null;
}

export interface JoinTokenTable {
  key: string;
  role: string;
  name: string | null;
  expires_at: number;
  used_by: string | null;
  uses: Generated<number>;
  used: Generated<number>;
}

export interface JoinTokenUseTable {
  token: string;
  key: string;
  name: string;
}

export interface AcmeTable {
  kind: string;
  name: string;
  document: string;
  revision: string;
}

export interface CodeMarkTable {
  digest: string;
  stamp: string;
  touched_at: number;
  removal: string | null;
  removal_at: number | null;
}

export interface ClusterNodeTable {
  name: string;
  role: string;
  version: string;
  seen_at: number;
  figures: string;
  /** 0 or 1. */
  drained: Generated<number>;
  /** Of the last order about it. */
  ordered_at: ColumnType<number | null, never, number>;
}

/** Times are the database's. */
export interface SessionTable {
  token_hash: string;
  kind: string;
  key_id: string | null;
  created_at: number;
  used_at: number;
  expires_at: number;
  person: string | null;
  name: string | null;
  offer: string | null;
}

export interface SpentTokenTable {
  token_hash: string;
  expires_at: number;
}

/** Entries of the audit log that are not in its chain yet. */
export interface UnsealedEntryTable {
  seq: Generated<number>;
  id: string;
  entry: string;
}

export interface SentEntriesTable {
  receiver: string;
  seq: number;
}

/** At most one for each namespace, deleted with it. */
export interface ForwardingErrorTable {
  namespace: string;
  document: string;
}

export interface Schema {
  namespaces: NamespaceTable;
  keys: KeyTable;
  entities: EntityTable;
  earlier_code: EarlierCodeTable;
  named_code: NamedCodeView;
  activations: ActivationTable;
  activation_logs: ActivationLogTable;
  activation_inputs: ActivationInputTable;
  activation_counts: ActivationCountTable;
  holdings: HoldingsTable;
  code_blobs: CodeBlobTable;
  code_marks: CodeMarkTable;
  accepted: AcceptedTable;
  nodes: NodeTable;
  changes: ChangeTable;
  leases: LeaseTable;
  feeds: FeedTable;
  deliveries: DeliveryTable;
  apis: ApiTable;
  domains: DomainTable;
  violations: ViolationTable;
  members: MemberTable;
  join_tokens: JoinTokenTable;
  join_token_uses: JoinTokenUseTable;
  cluster_nodes: ClusterNodeTable;
  sessions: SessionTable;
  spent_tokens: SpentTokenTable;
  unsealed_entries: UnsealedEntryTable;
  usage_days: UsageDayTable;
  usage_egress: UsageEgressTable;
  usage_slots: UsageSlotTable;
  sent_entries: SentEntriesTable;
  logouts: LogoutTable;
  namespace_members: NamespaceMemberTable;
  acme: AcmeTable;
  forwarding_errors: ForwardingErrorTable;
}
