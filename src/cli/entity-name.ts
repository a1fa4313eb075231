/** Names of entities as they are typed: `hello`, `pack/hello`, `/ns/hello`, `/ns/pack/hello`, `/_/hello`. */
import { cliFault } from './faults.ts';

export interface EntityName {
  readonly namespace: string;
  /** `hello` or `pack/hello`. */
  readonly path: string;
  /** Path segments of the API, below `/api/v1`. */
  readonly segments: (collection: string) => string[];
}

/**
 * @param namespace used when the name does not say one.
 * @throws Fault NAME_INVALID
 */
export function parseEntityName(text: string, namespace: string): EntityName {
  const parts = text.split('/');
  const isAbsolute = parts[0] === '';
  const [ownNamespace, path] = isAbsolute ? [parts[1] ?? '', parts.slice(2)] : [namespace, parts];
  const isDot = (part: string) => part === '.' || part === '..';
  if (
    path.length < 1 ||
    path.length > 2 ||
    [ownNamespace, ...path].some((part) => part === '' || isDot(part))
  )
    throw cliFault('NAME_INVALID', `'${text}' is not the name of an action`, {
      hint: 'write NAME, PACKAGE/NAME, or /NAMESPACE/[PACKAGE/]NAME',
    });
  return {
    namespace: ownNamespace,
    path: path.join('/'),
    segments: (collection) => ['namespaces', ownNamespace, collection, ...path],
  };
}
