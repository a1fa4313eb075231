/**
 * The one internal form of what advisories say, after OSV (ossf.github.io/osv-schema): every source is brought into it when
 * it is imported, so that matching knows no sources.
 */
import type { Severity } from '../types.ts';

export interface Advisory {
  readonly id: string;
  /** ISO time, which also compares as text; empty when it is not known. */
  readonly modified: string;
  readonly published?: string | undefined;
  /** Taken back by its author: matches nothing, and takes back older copies of itself. */
  readonly withdrawn: boolean;
  /** The same vulnerability under other names. */
  readonly aliases: readonly string[];
  /** What an advisory of a distribution is about: one or several vulnerabilities, which are not the same as it. */
  readonly upstream: readonly string[];
  readonly title: string;
  readonly url?: string | undefined;
  /** The package is itself the attack. */
  readonly malicious: boolean;
  readonly ratings: readonly Rating[];
  readonly affected: readonly Affected[];
}

/** One package that it speaks of. */
export interface Affected {
  /** OSV's, without its suffix: `Debian`, `npm`. */
  readonly ecosystem: string;
  /** Of a distribution, as `releases.ts` spells it; empty: all. */
  readonly release: string;
  /** As `names.ts` spells it. */
  readonly name: string;
  /** Each an alternation of states; together with `versions`: any of them. */
  readonly ranges: readonly (readonly RangeEvent[])[];
  readonly versions: readonly string[];
  /** Ranges in the words of a source that has no events. */
  readonly constraint?: Constraint | undefined;
  /** What the distribution says of it while it has no fix. */
  readonly status?: string | undefined;
  /** `name:stream`: in this module only (rpm). */
  readonly module?: string | undefined;
  /** In place of the advisory's own, where there are any. */
  readonly ratings: readonly Rating[];
}

/** `introduced`, `fixed`, `last` affected, or the `limit` that no branch of it passes. */
export type RangeEvent = readonly [kind: 'introduced' | 'fixed' | 'last' | 'limit', version: string];

/** In npm's or RubyGems' notation; vulnerable is what is in `affected` and in none of `safe`. */
export interface Constraint {
  readonly notation: 'npm' | 'gem';
  /** Undefined: all. */
  readonly affected?: string | undefined;
  readonly safe: readonly string[];
}

/** How bad somebody says that it is. */
export interface Rating {
  /** `debian`, `ghsa`, `nvd`, … */
  readonly source: string;
  readonly severity: Severity;
  /** By a distribution, for its own package. */
  readonly isDistribution?: true | undefined;
  readonly cvss?: { readonly score: number; readonly vector: string } | undefined;
}

/** What else is known of a CVE, whatever package has it. */
export type Fact =
  | { readonly kind: 'rating'; readonly cve: string; readonly rating: Rating }
  | { readonly kind: 'published'; readonly cve: string; readonly at: string }
  | { readonly kind: 'exploited'; readonly cve: string; readonly added: string }
  | { readonly kind: 'probability'; readonly cve: string; readonly probability: number }
  /** `end`: ISO date after which nobody mends it; empty: none is known. */
  | { readonly kind: 'lifecycle'; readonly product: string; readonly cycle: string; readonly end: string };

/** Where the readers of all forms put what they read. */
export interface RecordSink {
  advisory(record: Advisory): void;
  fact(fact: Fact): void;
  /** A record that makes no sense: counted, named, and left out. */
  bad(name: string, reason: string): void;
  /** A record of what Ward never finds. */
  skip(): void;
}
