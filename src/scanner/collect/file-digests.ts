/** Computes digests of files with the algorithms of the databases of dpkg, apk and rpm. */
import { createHash } from 'node:crypto';
import { isSystemPath } from '../inventory/ownership.ts';
import type { Digests } from '../inventory/types.ts';

export interface DigestTaker {
  add(piece: Buffer): void;
  digests(): Digests;
}

/** Undefined for paths at which packages of distributions have no files. */
export function digestsOf(path: string, content: Buffer): Digests | undefined {
  const taker = takeDigests(path);
  taker?.add(content);
  return taker?.digests();
}

/** The same for a file in pieces. */
export function takeDigests(path: string): DigestTaker | undefined {
  if (!isSystemPath(path)) return undefined;
  const [md5, sha1, sha256] = [createHash('md5'), createHash('sha1'), createHash('sha256')];
  return {
    add: (piece) => {
      for (const hash of [md5, sha1, sha256]) hash.update(piece);
    },
    digests: () => ({ md5: md5.digest('hex'), sha1: sha1.digest('hex'), sha256: sha256.digest('hex') }),
  };
}
