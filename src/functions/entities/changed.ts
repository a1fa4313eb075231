/** What was changed in the store, as the caches look it up. */
import type { Change } from '../../store/index.ts';
import type { EntityRef } from './names.ts';

export interface Changed {
  /** Names. */
  readonly namespaces: ReadonlySet<string>;
  /** Ids. */
  readonly keys: ReadonlySet<string>;
  /** Hashes of the tokens of sessions that have ended. */
  readonly sessions: ReadonlySet<string>;
  /** Packages and actions, by `sourceOf`. */
  readonly actions: ReadonlySet<string>;
  /** Namespaces whose triggers or rules changed. */
  readonly triggers: ReadonlySet<string>;
  /** Namespaces whose APIs changed. */
  readonly apis: ReadonlySet<string>;
  /** Names. */
  readonly domains: ReadonlySet<string>;
  /** What the gate judges by: its policy, its waivers or the operator's VEX. */
  readonly isGate: boolean;
  /** Digests of images whose signatures or attestations may have changed. */
  readonly evidence: ReadonlySet<string>;
}

/** Holds what it read from the store. */
export interface Forgetful {
  /** Drops what may have changed; everything, if that is not known. */
  forget(changed?: Changed): void;
}

/** `ns/package`, or `ns/action` for an action outside of packages. */
export function sourceOf({
  namespace,
  package: inPackage,
  name,
}: Pick<EntityRef, 'namespace' | 'package' | 'name'>): string {
  return `${namespace}/${inPackage ?? name}`;
}

export function changedBy(changes: readonly Change[]): Changed {
  const of = (kinds: readonly Change['kind'][], nameOf: (change: Change) => string) =>
    new Set(changes.filter(({ kind }) => kinds.includes(kind)).map(nameOf));
  return {
    namespaces: of(['namespaces'], ({ namespace }) => namespace),
    keys: of(['keys'], ({ path }) => path),
    sessions: of(['sessions'], ({ path }) => path),
    actions: of(['actions', 'packages'], ({ namespace, path }) => `${namespace}/${path.split('/', 1)[0]}`),
    triggers: of(['triggers', 'rules'], ({ namespace }) => namespace),
    apis: of(['apis'], ({ namespace }) => namespace),
    domains: of(['domains'], ({ path }) => path),
    isGate: changes.some(({ kind }) => kind === 'gate'),
    evidence: of(['evidence'], ({ path }) => path),
  };
}
