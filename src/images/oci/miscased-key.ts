/**
 * Finds keys of a manifest or a configuration that differ from a known key only in case. Go's parser, which most
 * tools use, takes them for the known key; Ward's does not.
 */
import { isJsonObject } from '../../lib/index.ts';

export interface KnownKeys {
  /** Maps a key in Go's folded case to the key as it is written. */
  readonly keys: ReadonlyMap<string, string>;
  /** Objects under these keys can have any keys. */
  readonly free: ReadonlySet<string>;
}

export const manifestKeys: KnownKeys = knownKeys(
  [
    ...['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'subject'],
    ...['annotations', 'digest', 'size', 'urls', 'data', 'platform', 'architecture', 'os', 'variant'],
    ...['fsLayers', 'history', 'signatures', 'blobs'],
  ],
  ['annotations'],
);

/** Keys of an image's configuration: those that define a container, and those about its build. */
export const configKeys: KnownKeys = knownKeys(
  [
    ...['architecture', 'os', 'variant', 'created', 'config', 'rootfs', 'type', 'diff_ids'],
    ...['history', 'created_by', 'empty_layer'],
    ...['Env', 'Entrypoint', 'Cmd', 'WorkingDir', 'User', 'Labels', 'ExposedPorts', 'Volumes', 'Shell'],
    ...['Healthcheck', 'Test', 'OnBuild', 'StopSignal', 'ArgsEscaped'],
  ],
  ['Labels', 'ExposedPorts', 'Volumes'],
);

/** Returns the first one; undefined without one. */
export function findMiscasedKey(value: unknown, known: KnownKeys): string | undefined {
  if (Array.isArray(value)) return firstOf(value, (each) => findMiscasedKey(each, known));
  if (!isJsonObject(value)) return undefined;
  return firstOf(Object.keys(value), (key) => {
    const meant = known.keys.get(folded(key));
    if (meant !== undefined && meant !== key) return key;
    return known.free.has(key) ? undefined : findMiscasedKey(value[key], known);
  });
}

function knownKeys(keys: readonly string[], free: readonly string[]): KnownKeys {
  return { keys: new Map(keys.map((key) => [folded(key), key])), free: new Set(free) };
}

function firstOf<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Folds case as Go does for names of fields: the long s and the Kelvin sign count as s and k. */
function folded(key: string): string {
  return key.toUpperCase().toLowerCase();
}
