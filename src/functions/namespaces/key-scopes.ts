/**
 * What a key of a namespace may do. Scopes are few and fixed, so that one word says what a leaked key gives access
 * to: `invoke` is for a program that calls actions, `deploy` for a pipeline, `read` for a person who looks. `admin` is
 * for those who give others access.
 */
import { functionFault, notAuthorized } from '../faults.ts';

/** Scopes of keys that are lent to runs. Code never administers. `none` allows only what every key may do. */
export const lentScopes = ['full', 'deploy', 'invoke', 'read', 'none'] as const;
export type LentScope = (typeof lentScopes)[number];
/** Scopes of keys that are made. */
export const keyScopes = ['admin', 'full', 'deploy', 'invoke', 'read'] as const;
export type KeyScope = LentScope | (typeof keyScopes)[number];

/**
 * `read`: read everything, including code and parameters. `deploy`: change it. `invoke`: run and fire it. `admin`: make
 * and delete keys of the namespace, and end the logins of its members.
 */
export type KeyRight = 'read' | 'deploy' | 'invoke' | 'admin';

const rights: Readonly<Record<KeyScope, readonly KeyRight[]>> = {
  admin: ['read', 'deploy', 'invoke', 'admin'],
  full: ['read', 'deploy', 'invoke'],
  // A deployment compares with what exists.
  deploy: ['read', 'deploy'],
  invoke: ['invoke'],
  read: ['read'],
  none: [],
};

export function rightsOf(scope: KeyScope): readonly KeyRight[] {
  return rights[scope];
}

export function hasRight(scope: KeyScope, right: KeyRight): boolean {
  return rights[scope].includes(right);
}

/** Whether `scope` has no rights beyond those of `outer`. */
export function isWithin(scope: KeyScope, outer: KeyScope): boolean {
  return rights[scope].every((right) => hasRight(outer, right));
}

/** The widest scope that code may get from a caller with this one. */
export function lentScopeOf(scope: KeyScope): LentScope {
  return scope === 'admin' ? 'full' : scope;
}

/** Returns the scope with the rights that both have. */
export function commonScope(a: KeyScope, b: LentScope): LentScope {
  const common = rights[b].filter((right) => hasRight(a, right));
  const isCommon = (scope: LentScope) =>
    rights[scope].length === common.length && common.every((right) => hasRight(scope, right));
  return lentScopes.find(isCommon) ?? 'none';
}

/** @param what its name in the refusal: `ns/[pkg/]name`. @throws Fault NOT_AUTHORIZED */
export function requireRight(scope: KeyScope, right: KeyRight, what: string): void {
  if (!hasRight(scope, right)) throw notAuthorized(what);
}

/** @throws Fault KEY_INVALID */
export function parseKeyScope(text: string): KeyScope {
  const scope = keyScopes.find((each) => each === text);
  if (scope !== undefined) return scope;
  throw functionFault('KEY_INVALID', `there is no scope '${text.slice(0, 64)}'`, {
    hint: `use one of ${keyScopes.join(', ')}`,
  });
}
