/** Short names for groups, small enough for heartbeats. */
import type { JobTarget } from '../types.ts';

/**
 * Returns 16 hex digits, equal for jobs that can share a sandbox. Two groups that have the same hash by chance only
 * mislead placement: the invoker compares the real keys.
 */
export function groupHash(target: Pick<JobTarget, 'namespace' | 'action' | 'revision' | 'sandbox'>): string {
  const { namespace, action, revision, sandbox } = target;
  const text = `${namespace}\n${action}\n${revision}\n${sandbox?.id ?? ''}`;
  const [high, low] = [hashText(text, 0x811c9dc5), hashText(text, 0x2f0b4c47)];
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** FNV-1a over UTF-16 code units, then the last mixing steps of MurmurHash3. */
export function hashText(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** Spreads every bit over all 32: the finaliser of MurmurHash3. */
export function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
