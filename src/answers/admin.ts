/** Namespaces, keys, members, nodes and the audit log, as the API tells admins and operators. All times are epoch milliseconds. */

interface Quota {
  readonly used: number;
  readonly limit: number;
}

/** Bytes. */
export interface Usage {
  readonly code: Quota;
  readonly records: Quota & { readonly count: number };
  readonly registry: Quota;
}

/** `GET /ward/v1/operator/backup`. */
export interface Backup {
  readonly dataDir: string;
  /** In PostgreSQL or a bucket, whose own tools are for that. */
  readonly isElsewhere: boolean;
  readonly last: {
    /** ISO time. */
    readonly takenAt: string;
    readonly file: string;
    readonly bytes: number;
    readonly ward: string;
    readonly files: number;
    readonly missing: readonly string[];
    readonly damaged: number;
  } | null;
}

export interface Database {
  readonly engine: 'sqlite' | 'postgres';
  /** The oldest first. */
  readonly migrations: readonly {
    readonly name: string;
    readonly at: number | null;
  }[];
}

/** `GET /ward/v1/operator/disk`. */
export interface DiskUse {
  /** When Ward looked. */
  readonly at: number;
  readonly dataDir: string;
  readonly engine: Database['engine'];
  /** Code, pushed images and advisories: what the folders have are copies. */
  readonly isInBucket: boolean;
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly reserveBytes: number;
  readonly state: string;
  /** The largest first. */
  readonly parts: readonly PartOnDisk[];
}

export interface PartOnDisk {
  readonly what: string;
  readonly paths: readonly string[];
  readonly bytes: number;
  readonly files: number;
  /** False: there are more. */
  readonly isWhole: boolean;
}

/** `GET /ward/v1/retention`; and `GET /ward/v1/operator/retention`, with the namespaces that have rules of their own. */
export interface Retention {
  readonly kept: readonly KeptData[];
}

export interface RetentionOfAll extends Retention {
  /** Null: without a limit. Absent: as for all. */
  readonly namespaces: readonly {
    readonly namespace: string;
    readonly days?: number | null;
    readonly most?: number | null;
  }[];
}

export interface KeptData {
  readonly what: string;
  /** Ward removes older ones; null: they have no age. */
  readonly days: number | null;
  /** Ward removes the oldest beyond this number; null: as many as there are. */
  readonly most: number | null;
  /** What `most` counts in. */
  readonly per: 'namespace' | 'function' | 'ward';
  /** What else removes them. */
  readonly until: string | null;
  /** Keys of the configuration; none: it is fixed. */
  readonly settings: readonly string[];
}

/** The calls of a namespace in a window of time. */
export interface NamespaceCalls {
  readonly namespace: string;
  readonly calls: number;
  readonly failed: number;
  readonly coldStarts: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slots: readonly { readonly calls: number; readonly failed: number }[];
}

/** `GET /ward/v1/operator/calls`. */
export interface CallFigures {
  readonly since: number;
  readonly slotMs: number;
  readonly total: number;
  readonly namespaces: readonly NamespaceCalls[];
}

/** What a namespace used on a day. */
export interface UsageDay {
  readonly day: string;
  readonly namespace: string;
  readonly createdAt: number;
  readonly calls: number;
  readonly coldStarts: number;
  readonly gibSeconds: number;
  readonly storedByteHours: number;
  readonly storedHours: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export type Limits = Readonly<Record<string, unknown>>;

export interface HeldNamespace extends NamespaceRow {
  readonly limits: Limits;
  readonly quota: Usage;
}

export interface HeldNamespaces {
  readonly total: number;
  readonly namespaces: readonly HeldNamespace[];
}

export interface Key {
  readonly keyId: string;
  readonly isFirst: boolean;
  readonly scope: string;
  readonly label: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** Null: an earlier Ward made it. */
  readonly maker: string | null;
}

/** `GET /ward/v1/members`. */
export interface Member {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly firstLoginAt: number;
  readonly lastLoginAt: number;
  readonly keys: number;
}

export interface NamespaceDetail {
  readonly name: string;
  readonly createdAt: number;
  readonly limits: Limits;
  /** Those that differ from the usual ones. */
  readonly own: Limits;
  readonly usage: Usage;
  readonly keys: readonly Key[];
}

export interface Node {
  readonly name: string;
  readonly role: string;
  readonly version: string;
  readonly state: string;
  readonly beatAgeMs?: number | null | undefined;
  readonly figures?: {
    readonly upMs: number;
    readonly invoker?:
      | {
          readonly load: number;
          readonly sandboxes: Readonly<Record<'starting' | 'busy' | 'idle' | 'prewarmed', number>>;
          readonly queued: number;
          readonly memoryMiB: number;
          readonly memoryLimitMiB: number;
          readonly memoryUsedMiB?: number | undefined;
        }
      | undefined;
  } | null;
}

/** `GET /ward/v1/operator/overview`. */
export interface Overview {
  readonly version: string;
  readonly nodes: readonly Node[];
  /** Calls that were accepted with a 202. */
  readonly queue: {
    readonly waiting: number;
    readonly begun: number;
    readonly oldestWaitingMs: number | null;
  };
  readonly namespaces: number;
  readonly advisories: {
    readonly count: number;
    readonly ageSeconds?: number | undefined;
    readonly warning?: string | undefined;
  };
  readonly disk: { readonly freeBytes: number; readonly reserveBytes: number; readonly state: string };
}

/** `GET /ward/v1/operator/queue`. */
export interface Queue {
  readonly total: number;
  readonly namespaces: readonly QueueOfNamespace[];
}

export interface QueueOfNamespace {
  readonly namespace: string;
  readonly waiting: number;
  readonly begun: number;
  readonly oldestWaitingMs: number | null;
}

/** `GET /ward/v1/operator/advisories`. Times are ISO. */
export interface Advisories {
  readonly count: number;
  readonly ageSeconds?: number | undefined;
  /** Of the last update. */
  readonly failed: readonly string[];
  readonly warning?: string | undefined;
  readonly sources: readonly AdvisorySource[];
}

export interface AdvisorySource {
  readonly source: string;
  readonly url?: string | undefined;
  readonly licence?: string | undefined;
  readonly importedAt: string;
  readonly checkedAt: string;
  /** The newest change of a record. */
  readonly newest?: string | undefined;
  readonly records: number;
  /** Those that could not be read. */
  readonly bad: number;
}

export interface AuditEntry {
  readonly seq: number;
  /** ISO time. */
  readonly time: string;
  readonly event: string;
  readonly actor: string;
  readonly from?: string | undefined;
  readonly name?: string | undefined;
  readonly digest?: string | undefined;
  readonly namespace?: string | undefined;
  readonly stage?: string | undefined;
  readonly outcome?: string | undefined;
  readonly summary?: string | undefined;
  readonly request?: string | undefined;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next?: number | undefined;
}

/** `GET /ward/v1/operator/namespaces`. */
export interface NamespacesPage {
  readonly total: number;
  readonly namespaces: readonly NamespaceRow[];
}

export interface NamespaceRow {
  readonly name: string;
  /** Epoch milliseconds, like all times. */
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  readonly actions: number;
  readonly records: number;
  readonly entityBytes: number;
  readonly codeBytes: number;
  readonly recordBytes: number;
  readonly keys: number;
}
