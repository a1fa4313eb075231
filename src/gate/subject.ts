/** Makes the subjects of verdicts. */
import { type Digest, digestOf } from '../blobs/index.ts';
import type { Subject } from './store/types.ts';

/**
 * Names function code together with its kind: the same bytes mean something else in another language, so one must not use
 * the other's report.
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
