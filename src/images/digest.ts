/**
 * `sha256:<hex>` and nothing else: OCI allows other algorithms, Ward does not, so that a digest is always
 * comparable and its hex is always a safe file name. Source: OCI image-spec, descriptor.md, "Digests".
 */
import { createHash } from 'node:crypto';
import { imageFault } from './faults.ts';
import type { Digest } from './types.ts';

const form = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return form.test(text);
}

/** @throws Fault DIGEST_INVALID */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw imageFault('DIGEST_INVALID', `not a digest: ${JSON.stringify(text.slice(0, 100))}`, {
    hint: 'Give it as sha256: and 64 lower-case hex digits.',
  });
}

/** The digest of these bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
}

/** The 64 hex digits, for a file's name. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
