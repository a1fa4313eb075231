/**
 * Ward identifies bytes by `sha256:<hex>`: digests are always comparable, and the hex is always a safe file name. OCI
 * also registers sha512; for Ward that is a second name of the same bytes, which only the registry knows
 * (`second-names.ts`). Source: OCI image-spec, descriptor.md, "Digests".
 */
import { createHash } from 'node:crypto';
import { blobFault } from './faults.ts';
import type { Digest, SecondName } from './types.ts';

const form = /^sha256:[0-9a-f]{64}$/;
const secondForm = /^sha512:[0-9a-f]{128}$/;

export function isDigest(text: string): text is Digest {
  return form.test(text);
}

export function isSecondName(text: string): text is SecondName {
  return secondForm.test(text);
}

/** @throws Fault DIGEST_INVALID */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw invalid(text, 'Give it as sha256: and 64 lower-case hex digits.');
}

/** @throws Fault DIGEST_INVALID */
export function parseAnyDigest(text: string): Digest | SecondName {
  if (isDigest(text) || isSecondName(text)) return text;
  throw invalid(text, 'Give it as sha256: and 64 lower-case hex digits, or as sha512: and 128 of them.');
}

/** The digest of these bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
}

export function isDigestOf(digest: Digest | SecondName, bytes: Uint8Array): boolean {
  if (isDigest(digest)) return digestOf(bytes) === digest;
  return `sha512:${createHash('sha512').update(bytes).digest('hex')}` === digest;
}

/** The 64 hex digits, for a file's name. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

function invalid(text: string, hint: string) {
  return blobFault('DIGEST_INVALID', `not a digest: ${JSON.stringify(text.slice(0, 150))}`, { hint });
}
