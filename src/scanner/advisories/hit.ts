/** What matching hands on: advisories that speak of a version, and what becomes of them. */
import type { Malware, Vulnerability } from '../types.ts';
import type { Candidate } from './reader.ts';

/** An advisory that speaks of this version of a component. */
export interface Hit extends Candidate {
  readonly uncertain: boolean;
  /** Newer versions in which it is fixed. */
  readonly fixes: readonly string[];
}

/** A finding without what two components of the same version may differ in. */
export type SharedFinding =
  | Omit<Vulnerability, 'component' | 'places'>
  | Omit<Malware, 'component' | 'places'>;
