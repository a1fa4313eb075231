/**
 * Computes fingerprints that recognize a finding in the next scan. They cover its rule and its subject, never layers, lines
 * or times.
 */
import { createHash } from 'node:crypto';
import type { Finding } from '../types.ts';
import { componentOf } from './order.ts';

/**
 * Returns 64 hex digits for each finding, all different. Findings that differ in nothing else are told apart by their
 * order.
 */
export function fingerprintsOf(findings: readonly Finding[]): ReadonlyMap<Finding, string> {
  const seen = new Map<string, number>();
  return new Map(
    findings.map((finding) => {
      const what = aboutOf(finding);
      const before = seen.get(what) ?? 0;
      seen.set(what, before + 1);
      return [finding, createHash('sha256').update(`${before}${what}`).digest('hex')];
    }),
  );
}

/** Makes a UUID of version 8 (RFC 9562, section 5.8) from a fingerprint. */
export function uuidOf(fingerprint: string): string {
  const part = (start: number, end: number) => fingerprint.slice(start, end);
  return `${part(0, 8)}-${part(8, 12)}-8${part(13, 16)}-8${part(17, 20)}-${part(20, 32)}`;
}

function aboutOf(finding: Finding): string {
  const paths = finding.places.map(({ path }) => path).toSorted();
  const about = componentOf(finding)?.purl ?? paths[0] ?? '';
  const secret = finding.class === 'secret' ? finding.redacted : '';
  return JSON.stringify([finding.class, finding.id, about, secret]);
}
