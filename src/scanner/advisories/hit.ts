/** Results of matching: the advisories that affect a version, and the findings made of them. */
import type { Malware, Vulnerability } from '../types.ts';
import type { Candidate } from './reader.ts';

/** An advisory that affects this version of a component. */
export interface Hit extends Candidate {
  readonly uncertain: boolean;
  /** Newer versions that fix it. */
  readonly fixes: readonly string[];
}

/** A finding without the parts that differ between components of the same version. */
export type SharedFinding =
  | Omit<Vulnerability, 'component' | 'places'>
  | Omit<Malware, 'component' | 'places'>;
