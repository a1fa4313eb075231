/** Identifiers of a document and its parts. They derive from the content, so the same report gives the same identifiers. */
import { createHash } from 'node:crypto';
import { PackageURL } from 'packageurl-js';
import type { Component, Report } from '../types.ts';

/** The author of the document. */
export const toolName = 'ward';

/** Makes a UUID of version 8 (RFC 9562: free to define) from the target and the findings. */
export function uuidOf(report: Report): string {
  const { target, scannedAt, inventory, findings } = report;
  const hash = createHash('sha256')
    .update(JSON.stringify([target, scannedAt, inventory, findings]))
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Returns letters and digits only, for references inside a document. */
export function shortIdOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The 64 hex digits of the target's digest, if it has one. */
export function sha256Of({ target }: Report): string | undefined {
  return target.digest?.slice('sha256:'.length);
}

/** Splits digests of a package (`sha256:` and hex), and renames their algorithms for a document. */
export function hashesOf(
  { hashes = [] }: Pick<Component, 'hashes'>,
  nameOf: (algorithm: string) => string,
): { readonly name: string; readonly hex: string }[] {
  return hashes.map((each) => {
    const [algorithm = '', hex = ''] = each.split(':');
    return { name: nameOf(algorithm), hex };
  });
}

/** The package URL of an image with a name and a digest. Source: purl-spec, type `oci`. */
export function imagePurl({ target }: Report): string | undefined {
  const name = /([a-z0-9][a-z0-9._-]*)(?::[\w.-]+)?$/.exec(target.name)?.[1];
  if (target.kind !== 'image' || target.digest === undefined || name === undefined) return undefined;
  return new PackageURL('oci', undefined, name, target.digest, undefined, undefined).toString();
}

/** The places of a component: `path`, or `path in LAYER`. */
export function placesOf({ places }: Pick<Component, 'places'>): string[] {
  return places.map(({ path, layer }) => (layer === undefined ? path : `${path} in ${layer}`));
}
