/**
 * What a key of a namespace may do. Scopes are few and fixed, so that one word says what a leaked key gives access
 * to: `invoke` is for a program that calls actions, `deploy` for a pipeline, `read` for a person who looks.
 */
import { functionFault, notAuthorized } from '../faults.ts';

/** Scopes of keys that an operator creates. */
export const keyScopes = ['full', 'deploy', 'invoke', 'read'] as const;
/** Scopes of keys that are lent to runs. `none` allows only what every key may do. */
export const lentScopes = [...keyScopes, 'none'] as const;
export type KeyScope = (typeof lentScopes)[number];

/** `read`: read everything, including code and parameters. `deploy`: change it. `invoke`: run and fire it. */
export type KeyRight = 'read' | 'deploy' | 'invoke';

const rights: Readonly<Record<KeyScope, readonly KeyRight[]>> = {
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

/** Returns the scope with the rights that both have. */
export function commonScope(a: KeyScope, b: KeyScope): KeyScope {
  const common = rights[a].filter((right) => hasRight(b, right));
  const isCommon = (scope: KeyScope) =>
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
