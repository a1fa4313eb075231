/** What makes a finding the same one in the next scan: its rule, and what it is about; never layers, lines or times. */
import { createHash } from 'node:crypto';
import type { Finding } from '../types.ts';
import { componentOf } from './order.ts';

/** 64 hex digits for each finding, no two the same. Of those that only their order tells apart, the order counts. */
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

/** A UUID of version 8 (RFC 9562, section 5.8) from a fingerprint. */
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
