/**
 * Fields of OpenWhisk's contract beside the parameters, from the environment that other runners get:
 * `__OW_ACTIVATION_ID` is `activation_id`, and `TRACEPARENT` is `traceparent`.
 */
import type { JsonObject } from '../../lib/index.ts';

const prefix = '__OW_';
const identityNames = ['__OW_NAMESPACE', '__OW_ACTION_NAME', '__OW_ACTION_VERSION'];

/** All fields of a run. */
export function contractFields(env: JsonObject): JsonObject {
  return fieldsOf(env, Object.keys(env));
}

/** Those that are the same for all runs in a sandbox. */
export function identityFields(env: JsonObject): JsonObject {
  return fieldsOf(env, identityNames);
}

function fieldsOf(env: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [fieldOf(name), env[name]]));
}

function fieldOf(name: string): string {
  return (name.startsWith(prefix) ? name.slice(prefix.length) : name).toLowerCase();
}
