/** Which keys a token of another issuer is worth: rules of the operator, by the token's claims. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { hasRight, type KeyScope, rightsOf } from '../namespaces/key-scopes.ts';

/** What a person or a pipeline is in a namespace, and the scope of its keys. Each has all rights of those before it. */
const loginRoles = { viewer: 'read', deployer: 'deploy', developer: 'full' } as const;
export type LoginRole = keyof typeof loginRoles;

export interface LoginGrant {
  /** Each must have one of these values, or a list with one of them. Nested claims are separated by dots. */
  readonly claims: Readonly<Record<string, readonly string[]>>;
  readonly namespace: string;
  readonly role: LoginRole;
}

/** The namespaces that a token opens, with the widest scope in each. */
export function grantedBy(claims: JsonObject, grants: readonly LoginGrant[]): ReadonlyMap<string, KeyScope> {
  const granted = new Map<string, KeyScope>();
  for (const grant of grants) {
    if (!isMet(claims, grant.claims)) continue;
    const scope = loginRoles[grant.role];
    const known = granted.get(grant.namespace);
    if (known === undefined || isWithin(known, scope)) granted.set(grant.namespace, scope);
  }
  return granted;
}

/** Whether `scope` has no rights beyond those of `outer`. */
export function isWithin(scope: KeyScope, outer: KeyScope): boolean {
  return rightsOf(scope).every((right) => hasRight(outer, right));
}

/** Whether claims meet all conditions. No conditions would be for everyone, so they are for no one. */
export function isMet(claims: JsonObject, conditions: LoginGrant['claims']): boolean {
  const all = Object.entries(conditions);
  return (
    all.length > 0 && all.every(([name, values]) => values.some((value) => hasValue(claims, name, value)))
  );
}

function hasValue(claims: JsonObject, name: string, wanted: string): boolean {
  const value = Object.hasOwn(claims, name) ? claims[name] : nested(claims, name.split('.'));
  const given = Array.isArray(value) ? value : [value];
  return given.some((each) => textOf(each) === wanted);
}

function nested(claims: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = claims;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function textOf(value: unknown): string | undefined {
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isPlain ? String(value) : undefined;
}
