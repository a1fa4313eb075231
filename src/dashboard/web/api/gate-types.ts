/** Verdicts, reports and findings, as the API answers. Their texts come from what was scanned, so they are hostile. */

export type Outcome = 'allow' | 'warn' | 'deny';

interface Reason {
  readonly rule: string;
  readonly outcome: 'warn' | 'deny';
  readonly text: string;
}

export interface VerdictRow {
  readonly digest: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace: string;
  readonly stage: string;
  readonly outcome: Outcome;
  /** ISO time. */
  readonly judgedAt: string;
  readonly summary: string;
  readonly rules: readonly Reason[];
  readonly counts: Readonly<Record<string, number>>;
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
  readonly policyRevision: string;
  readonly advisoryRevision?: string;
}

export interface Finding {
  readonly class: string;
  readonly id: string;
  readonly title: string;
  readonly severity: string;
  readonly aliases?: readonly string[];
  readonly component?: { readonly ecosystem: string; readonly name: string; readonly version: string };
  readonly fixedIn?: readonly string[];
  readonly knownExploited?: boolean;
  readonly advice?: string;
  readonly places: readonly { readonly path: string }[];
}

export interface Report {
  readonly target: { readonly name: string; readonly kind: string };
  /** ISO time. */
  readonly scannedAt: string;
  readonly inventory: {
    readonly components: readonly unknown[];
    readonly gaps: readonly { readonly path: string; readonly reason: string }[];
    readonly distribution?: { readonly name: string };
  };
  readonly findings: readonly Finding[];
}

export interface FindingPage {
  readonly found: readonly { readonly digest: string; readonly name: string; readonly finding: Finding }[];
  readonly reportsRead: number;
  readonly next: string | null;
}
