/** Verdicts, reports and findings, as the API answers. Their texts come from what was scanned, so they are hostile. */

export type Outcome = 'allow' | 'warn' | 'deny';

interface Reason {
  readonly rule: string;
  readonly outcome: 'warn' | 'deny';
  readonly text: string;
}

export interface VerdictRow {
  readonly digest: string;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly namespace: string;
  readonly stage: string;
  readonly outcome: Outcome;
  /** ISO time. */
  readonly judgedAt: string;
  readonly summary: string;
  readonly rules: readonly Reason[];
  /** Findings by severity. */
  readonly counts: { readonly critical: number; readonly high: number };
}

interface Ignored {
  readonly id: string;
  readonly where: string;
  readonly reason: string;
  readonly by: string;
  /** The last day. */
  readonly expires: string;
}

/** `GET /ward/v1/operator/waivers`. */
export interface Waiver {
  readonly id: string;
  readonly finding: string;
  /** Absent: all. */
  readonly namespace?: string | undefined;
  readonly purl?: string | undefined;
  readonly path?: string | undefined;
  readonly reason: string;
  readonly by: string;
  /** The last day, in UTC. */
  readonly expires: string;
}

/** A statement of the operator's VEX. */
export interface ShownStatement {
  /** Name of its document. */
  readonly document: string;
  /** All names of the vulnerability. */
  readonly ids: readonly string[];
  readonly status: 'not_affected' | 'affected' | 'fixed' | 'under_investigation';
  readonly justification: string;
  readonly author: string;
  /** Epoch milliseconds; null: it does not say when it was made. */
  readonly at: number | null;
  /** Package URLs and digests. Empty: it names none that Ward can read, so it counts for nothing. */
  readonly products: readonly string[];
}

/** `GET /ward/v1/operator/vex`. */
export interface Vex {
  /** Where the documents are: in the folder of this node, or in the database; null: there are none. */
  readonly source: 'folder' | 'database' | null;
  readonly total: number;
  readonly statements: readonly ShownStatement[];
  /** Why the documents can't be read; null: they can be. Until then the statements of before count. */
  readonly problem: string | null;
}

export interface SilencedFinding {
  readonly finding: { readonly id: string; readonly title: string; readonly package: string | null };
  /** The statement, in words. */
  readonly reason: string;
}

/** `GET /ward/v1/operator/policy`. */
export interface PolicyFile {
  /** Empty: there is none, and Ward's own policy is in force. */
  readonly text: string;
  readonly digest: string | null;
  /** The text of Ward's own policy. */
  readonly own: string;
  readonly revision: string;
  /** Why it can't be changed here. */
  readonly readOnly: string | null;
  /** How many are stored. */
  readonly reports: number;
}

interface ShortVerdict {
  readonly outcome: Outcome;
  readonly rules: readonly Reason[];
}

export interface PolicyChange {
  readonly name: string;
  readonly digest: string;
  readonly stage: string;
  readonly namespace: string;
  readonly before: ShortVerdict;
  readonly after: ShortVerdict;
}

/** What a draft of the policy would change in a page of the stored reports. */
export interface PolicyPreview {
  /** Null when the text is not a policy. */
  readonly revision: string | null;
  readonly problems: readonly {
    readonly line: number;
    readonly path: string;
    readonly message: string;
    readonly suggestion?: string | undefined;
  }[];
  readonly reportsRead: number;
  readonly judged: number;
  readonly changed: number;
  /** Verdicts that become denials. */
  readonly denied: number;
  /** Denials that end. */
  readonly admitted: number;
  /** The first of them. */
  readonly changes: readonly PolicyChange[];
  readonly next: string | null;
}

export interface ShownVerdict {
  readonly namespace: string;
  readonly stage: string;
  readonly outcome: Outcome;
  readonly judgedAt: string;
  readonly summary: string;
  readonly reasons: readonly (Reason & {
    readonly upgrades: readonly {
      readonly component: string;
      readonly version: string;
      readonly to: readonly string[];
    }[];
  })[];
  /** What the policy and its waivers let pass. */
  readonly ignored: readonly Ignored[];
  /** What they let pass until a day that is over. */
  readonly expired: readonly Ignored[];
  /** Who in the policy vouches for it: `release`, `spdx by release`. Absent: no one. */
  readonly vouchers?:
    | {
        readonly signedBy: readonly string[];
        readonly attested: readonly string[];
      }
    | undefined;
  readonly policyRevision: string;
  readonly advisoryRevision?: string | undefined;
}

export interface Finding {
  readonly class: string;
  readonly id: string;
  readonly title: string;
  readonly severity: string;
  readonly aliases?: readonly string[] | undefined;
  readonly component?:
    | {
        readonly ecosystem: string;
        readonly name: string;
        readonly version: string;
        readonly purl: string;
      }
    | undefined;
  readonly fixedIn?: readonly string[] | undefined;
  readonly knownExploited?: boolean | undefined;
  readonly advice?: string | undefined;
  readonly places: readonly { readonly path: string }[];
}

export interface Report {
  readonly target: { readonly name: string; readonly kind: string };
  /** ISO time. */
  readonly scannedAt: string;
  readonly inventory: {
    readonly components: readonly unknown[];
    readonly gaps: readonly { readonly path: string; readonly reason: string }[];
    readonly distribution?: { readonly name: string } | undefined;
  };
  readonly findings: readonly Finding[];
}

/** A page of a search in all reports. */
export interface SearchPage<Hit> {
  readonly found: readonly (Hit & { readonly digest: string; readonly name: string })[];
  readonly reportsRead: number;
  readonly next: string | null;
}

export interface FoundFinding {
  readonly finding: Finding;
}

export interface FoundPackage {
  readonly component: {
    readonly ecosystem: string;
    readonly name: string;
    readonly version: string;
    readonly licences: readonly string[];
  };
}
