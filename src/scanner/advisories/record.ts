/**
 * The internal form of advisories, modelled on OSV (ossf.github.io/osv-schema). The import converts every source to it, so
 * that matching knows no sources.
 */
import type { Severity } from '../types.ts';

export interface Advisory {
  readonly id: string;
  /** ISO time, which sorts as text; empty when unknown. */
  readonly modified: string;
  readonly published?: string | undefined;
  /** Withdrawn by its author. It matches nothing, and cancels older copies of itself. */
  readonly withdrawn: boolean;
  /** Other names of the same vulnerability. */
  readonly aliases: readonly string[];
  /** The vulnerabilities that a distribution's advisory covers. They are not other names for it. */
  readonly upstream: readonly string[];
  readonly title: string;
  readonly url?: string | undefined;
  /** The package itself is malware. */
  readonly malicious: boolean;
  readonly ratings: readonly Rating[];
  readonly affected: readonly Affected[];
}

/** One affected package. */
export interface Affected {
  /** OSV's ecosystem without its suffix: `Debian`, `npm`. */
  readonly ecosystem: string;
  /** Release of a distribution, as `releases.ts` spells it; empty for all releases. */
  readonly release: string;
  /** Name as `names.ts` spells it. */
  readonly name: string;
  /** Each range alternates between states. A version is affected if any range or `versions` has it. */
  readonly ranges: readonly (readonly RangeEvent[])[];
  readonly versions: readonly string[];
  /** Ranges in the notation of a source that has no events. */
  readonly constraint?: Constraint | undefined;
  /** The distribution's status while there is no fix. */
  readonly status?: string | undefined;
  /** `name:stream`, if only this module of rpm is affected. */
  readonly module?: string | undefined;
  /** Replace the advisory's own ratings, unless empty. */
  readonly ratings: readonly Rating[];
}

/** `introduced`, `fixed`, `last` affected, or the `limit` that no branch of the range passes. */
export type RangeEvent = readonly [kind: 'introduced' | 'fixed' | 'last' | 'limit', version: string];

/** A constraint in npm's or RubyGems' notation: vulnerable are versions in `affected` that are in no range of `safe`. */
export interface Constraint {
  readonly notation: 'npm' | 'gem';
  /** Undefined for all versions. */
  readonly affected?: string | undefined;
  readonly safe: readonly string[];
}

/** A severity, and the source that gives it. */
export interface Rating {
  /** `debian`, `ghsa`, `nvd`, … */
  readonly source: string;
  readonly severity: Severity;
  /** Given by a distribution for its own package. */
  readonly isDistribution?: true | undefined;
  readonly cvss?: { readonly score: number; readonly vector: string } | undefined;
}

/** Other facts about a CVE, independent of packages. */
export type Fact =
  | { readonly kind: 'rating'; readonly cve: string; readonly rating: Rating }
  | { readonly kind: 'published'; readonly cve: string; readonly at: string }
  | { readonly kind: 'exploited'; readonly cve: string; readonly added: string }
  | { readonly kind: 'probability'; readonly cve: string; readonly probability: number }
  /** `end`: ISO date of the end of security fixes; empty when none is known. */
  | { readonly kind: 'lifecycle'; readonly product: string; readonly cycle: string; readonly end: string };

/** Collects what the readers of all forms read. */
export interface RecordSink {
  advisory(record: Advisory): void;
  fact(fact: Fact): void;
  /** Counts and names an invalid record, which is left out. */
  bad(name: string, reason: string): void;
  /** Counts a record about something that Ward never finds. */
  skip(): void;
}
