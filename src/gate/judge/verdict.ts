/** What the gate says: plain data, to be stored, shown and compared. */
import type { Digest } from '../../blobs/index.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { Action, Stage } from '../policy/rules-schema.ts';

export interface Upgrade {
  /** `npm lodash`: ecosystem and name. */
  readonly component: string;
  readonly version: string;
  /** Versions that mend what the reason names, the nearest first. */
  readonly to: readonly string[];
}

export interface Reason {
  /** The key of the policy that says so: `vulnerabilities.limits.high`; or `scan`: there was no whole scan. */
  readonly rule: string;
  readonly outcome: 'warn' | 'deny';
  /** One sentence for a person. */
  readonly text: string;
  /** Ids of what was found, the worst first; the first 200. */
  readonly findings: readonly string[];
  readonly upgrades: readonly Upgrade[];
}

/** What counts, by kind: what was ignored or suppressed does not. */
export interface Counts {
  readonly critical: number;
  readonly high: number;
  readonly medium: number;
  readonly low: number;
  readonly none: number;
  readonly unknown: number;
  readonly knownExploited: number;
  readonly malware: number;
  readonly secrets: number;
  readonly misconfigurations: number;
  readonly gaps: number;
}

export interface Ignored {
  readonly id: string;
  /** The package URL or the path. */
  readonly where: string;
  readonly reason: string;
  readonly by: string;
  /** The last day on which it holds. */
  readonly expires: string;
}

/** Who of those whom the policy names vouches for an image; the first 50 of each. */
export interface Vouchers {
  /** `release`, `ci (https://github.com/acme/app/…)`: the name in the policy, and whom a certificate names. */
  readonly signedBy: readonly string[];
  /** `spdx by release` */
  readonly attested: readonly string[];
}

export interface Verdict {
  readonly form: 1;
  readonly outcome: Action;
  readonly digest?: Digest | undefined;
  readonly stage: Stage;
  readonly namespace: string;
  /** The worst first. */
  readonly reasons: readonly Reason[];
  /** What the policy's ignore list let pass; the first 200. */
  readonly ignored: readonly Ignored[];
  /** Entries of the ignore list that would have matched, had they not expired; the first 200. */
  readonly expired: readonly Ignored[];
  readonly counts: Counts;
  /** Absent: nobody does. */
  readonly vouchers?: Vouchers | undefined;
  readonly policyRevision: string;
  readonly advisoryRevision?: string | undefined;
  /** ISO time of the newest of the advisories. */
  readonly advisoriesAt?: string | undefined;
  /** Of the rules that the report was made with, this Ward's among them. Absent: the report does not tell. */
  readonly rulesRevision?: string | undefined;
  /** Version of the Ward that judged; absent like `rulesRevision`. */
  readonly wardVersion?: string | undefined;
  /** Of the operator's VEX. */
  readonly vexRevision?: string | undefined;
  /** ISO time. */
  readonly judgedAt: string;
  /** For a client: one line of at most 300 characters, without control characters. It may name this server's address. */
  readonly summary: string;
}

/**
 * What the gate says as bytes, without when and where it was said: the same on every server that has the same rules,
 * advisories, policy and VEX, as long as no date of the policy passes.
 */
export function verdictDocument({ judgedAt: _, summary: __, ...said }: Verdict): string {
  return canonicalJson(JSON.parse(JSON.stringify(said)));
}
