/**
 * Keys of a manifest that are a known one in other letters. Go's reader, which most tools have, takes them for it; ours
 * does not.
 */
import { isJsonObject } from '../../lib/index.ts';

const knownKeys: ReadonlyMap<string, string> = new Map(
  [
    ...[
      'schemaVersion',
      'mediaType',
      'artifactType',
      'config',
      'layers',
      'manifests',
      'subject',
      'annotations',
    ],
    ...['digest', 'size', 'urls', 'data', 'platform', 'architecture', 'os', 'variant'],
    ...['fsLayers', 'history', 'signatures', 'blobs'],
  ].map((key) => [folded(key), key]),
);

/** The first one; undefined when there is none. Keys of annotations are anybody's. */
export function findMiscasedKey(value: unknown): string | undefined {
  if (Array.isArray(value)) return firstOf(value, findMiscasedKey);
  if (!isJsonObject(value)) return undefined;
  return firstOf(Object.keys(value), (key) => {
    const known = knownKeys.get(folded(key));
    if (known !== undefined && known !== key) return key;
    return key === 'annotations' ? undefined : findMiscasedKey(value[key]);
  });
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As Go compares names of fields: the long s and the Kelvin sign are letters of theirs, too. */
function folded(key: string): string {
  return key.toUpperCase().toLowerCase();
}
