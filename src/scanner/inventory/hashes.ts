/** Normalizes digests of packages, as registries and installers state them: `sha256:` and hex. */

const hexDigits: ReadonlyMap<string, number> = new Map([
  ['md5', 32],
  ['sha1', 40],
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);
const mostParts = 5;

/** Returns one digest, or none if `hex` is not a digest of that algorithm. */
export function hexHash(algorithm: string, hex: unknown): string[] {
  if (typeof hex !== 'string' || hex.length !== hexDigits.get(algorithm)) return [];
  return /^[0-9a-f]+$/i.test(hex) ? [`${algorithm}:${hex.toLowerCase()}`] : [];
}

/** Reads `sha512-BASE64 sha1-BASE64`. Source: W3C, Subresource Integrity. */
export function integrityHashes(text: unknown): string[] {
  if (typeof text !== 'string' || text.length > 1000) return [];
  return text
    .split(' ', mostParts)
    .flatMap((part) => {
      const [, algorithm = '', digest = ''] = /^(\w+)-([A-Za-z0-9+/]+=*)$/.exec(part) ?? [];
      return hexHash(algorithm, Buffer.from(digest, 'base64').toString('hex'));
    })
    .sort();
}

/** Returns undefined for an empty list. */
export function orUndefined<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
