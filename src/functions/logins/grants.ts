/** Which keys a token of another issuer is worth: rules of the operator, by the token's claims. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { isWithin, type KeyScope } from '../namespaces/key-scopes.ts';

/** What a person or a pipeline is in a namespace. Each has all rights of those before it. */
export const roles = ['viewer', 'deployer', 'developer', 'admin'] as const;
export type LoginRole = (typeof roles)[number];
const scopes = { viewer: 'read', deployer: 'deploy', developer: 'full', admin: 'admin' } as const;

export interface LoginGrant {
  /** Each must have one of these values, or a list with one of them. Nested claims are separated by dots. */
  readonly claims: Readonly<Record<string, readonly string[]>>;
  readonly namespace: string;
  readonly role: LoginRole;
}

/** The namespaces that a token opens, with the widest role in each. */
export function grantedBy(claims: JsonObject, grants: readonly LoginGrant[]): ReadonlyMap<string, LoginRole> {
  const granted = new Map<string, LoginRole>();
  for (const { claims: conditions, namespace, role } of grants) {
    if (!isMet(claims, conditions)) continue;
    const known = granted.get(namespace);
    if (known === undefined || isWithin(scopeOfRole(known), scopeOfRole(role))) granted.set(namespace, role);
  }
  return granted;
}

/** The widest scope of its keys. */
export function scopeOfRole(role: LoginRole): KeyScope {
  return scopes[role];
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
