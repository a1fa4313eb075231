/**
 * What a server itself says of a file's bytes, beside their number: it tells what was damaged on its way.
 * Source: RFC 9530, `Repr-Digest`; Google Cloud Storage, `x-goog-hash`, which OSV's exports have.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export interface SaidDigest {
  readonly algorithm: 'sha256' | 'md5';
  readonly base64: string;
}

export function saidDigests({ headers }: Response): readonly SaidDigest[] {
  const sha256 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(headers.get('repr-digest') ?? '')?.[1];
  const md5 = /(?:^|,)\s*md5=([A-Za-z0-9+/]{22}==)/.exec(headers.get('x-goog-hash') ?? '')?.[1];
  return [
    ...(sha256 === undefined ? [] : [{ algorithm: 'sha256', base64: sha256 } as const]),
    ...(md5 === undefined ? [] : [{ algorithm: 'md5', base64: md5 } as const]),
  ];
}

/** The algorithm whose digest is another one; undefined when all are right. */
export async function checkSaid(
  file: string,
  said: readonly SaidDigest[],
): Promise<SaidDigest['algorithm'] | undefined> {
  if (said.length === 0) return undefined;
  const hashes = said.map((each) => ({ ...each, hash: createHash(each.algorithm) }));
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    for (const { hash } of hashes) hash.update(chunk);
  return hashes.find(({ hash, base64 }) => hash.digest('base64') !== base64)?.algorithm;
}
