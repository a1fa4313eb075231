/** What verdicts are about. */
import { type Digest, digestOf } from '../blobs/index.ts';
import type { Subject } from './store/types.ts';

/**
 * Function code with what runs it: the same bytes are something else to another language, so a report of the one must not
 * serve for the other.
 * @param codeDigest of the code's bytes
 * @param kind the action's: `nodejs:24`
 */
export function codeSubject(codeDigest: Digest, kind: string): Subject {
  return { kind: 'code', digest: digestOf(`ward code\n${kind}\n${codeDigest}`) };
}

/** @param digest of the manifest */
export function artifactSubject(digest: Digest): Subject {
  return { kind: 'artifact', digest };
}

/** @param digest of the manifest */
export function imageSubject(digest: Digest): Subject {
  return { kind: 'image', digest };
}
