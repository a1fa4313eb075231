/** A verdict: plain data that Ward stores, shows and compares. */
import type { Digest } from '../../blobs/index.ts';
import { canonicalJson } from '../../lib/index.ts';
import type { Action, Stage } from '../policy/rules-schema.ts';

export interface Upgrade {
  /** `npm lodash`: ecosystem and name. */
  readonly component: string;
  readonly version: string;
  /** Versions that fix the reason's findings, the nearest first. */
  readonly to: readonly string[];
}

export interface Reason {
  /** The policy key of the rule, such as `vulnerabilities.limits.high`; `scan` when there was no complete scan. */
  readonly rule: string;
  readonly outcome: 'warn' | 'deny';
  /** One sentence for a person. */
  readonly text: string;
  /** Ids of findings, the worst first; the first 200. */
  readonly findings: readonly string[];
  readonly upgrades: readonly Upgrade[];
}

/** Counts of findings by kind, without ignored and suppressed ones. */
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

/** Signers from the policy that vouch for an image; the first 50 of each. */
export interface Vouchers {
  /** `release`, `ci (https://github.com/acme/app/…)`: the name in the policy, and the subject of a certificate. */
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
  /** Findings that the policy's ignore list let pass; the first 200. */
  readonly ignored: readonly Ignored[];
  /** Expired entries of the ignore list that would have matched; the first 200. */
  readonly expired: readonly Ignored[];
  readonly counts: Counts;
  /** Absent when no signer from the policy vouches for it. */
  readonly vouchers?: Vouchers | undefined;
  readonly policyRevision: string;
  readonly advisoryRevision?: string | undefined;
  /** ISO time of the newest advisory. */
  readonly advisoriesAt?: string | undefined;
  /** Revision of the rules that made the report. It depends on Ward's version, too. Absent when the report names none. */
  readonly rulesRevision?: string | undefined;
  /** Version of the Ward that judged; absent like `rulesRevision`. */
  readonly wardVersion?: string | undefined;
  /** Revision of the operator's VEX. */
  readonly vexRevision?: string | undefined;
  /** ISO time. */
  readonly judgedAt: string;
  /** For a client: one line of at most 400 characters, without control characters. It may name this server's address. */
  readonly summary: string;
}

/**
 * Serialises the verdict without its time and its server. Every server with the same rules, advisories, policy and VEX
 * produces the same bytes, until a date in the policy passes.
 */
export function verdictDocument({ judgedAt: _, summary: __, ...said }: Verdict): string {
  return canonicalJson(JSON.parse(JSON.stringify(said)));
}
