/**
 * Parameters and annotations: lists of `{key, value}` whose keys are unique. Keys come from outside and may
 * be `__proto__`, so objects are built from entries, never by assignment.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { malformed } from '../faults.ts';

export type KeyValue = { readonly key: string; readonly value: JsonValue };

export type Parameter = KeyValue & {
  /** Set in the sandbox's environment when it is initialised, not passed to each call. */
  readonly init?: boolean | undefined;
};

/** A parameter in an answer. Its value may be withheld. */
export type ShownParameter = Parameter & { readonly encryption?: string };

/** @throws Fault BODY_INVALID */
export function parseParameters(value: unknown, field: string): readonly Parameter[] {
  if (!Array.isArray(value)) throw malformed(`${field} malformed: an array of {key, value} expected`);
  const byKey = new Map<string, Parameter>();
  for (const item of value) {
    const parameter = parseOne(item, field);
    byKey.delete(parameter.key);
    byKey.set(parameter.key, parameter);
  }
  return [...byKey.values()];
}

/** @throws Fault BODY_INVALID */
export function parseAnnotations(value: unknown): readonly KeyValue[] {
  return parseParameters(value, 'annotations').map(({ key, value: each }) => ({ key, value: each }));
}

/** Merges two lists. `changes` win over `base`; an overwritten key keeps its place. */
export function mergeKeyValues<Item extends KeyValue>(
  base: readonly Item[],
  changes: readonly Item[],
): readonly Item[] {
  const byKey = new Map(base.map((each) => [each.key, each]));
  for (const each of changes) byKey.set(each.key, each);
  return [...byKey.values()];
}

export function valueFor(list: readonly KeyValue[], key: string): JsonValue | undefined {
  return list.find((each) => each.key === key)?.value;
}

/** OpenWhisk's size of a list: the bytes of the keys and of the values as compact JSON. */
export function sizeOf(list: readonly KeyValue[]): number {
  let bytes = 0;
  for (const { key, value } of list) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(JSON.stringify(value));
  }
  return bytes;
}

/** Converts the list to an object, for an action's arguments. */
export function toObject(list: readonly KeyValue[]): JsonObject {
  return Object.fromEntries(list.map(({ key, value }) => [key, value]));
}

function parseOne(item: unknown, field: string): Parameter {
  if (!isJsonObject(item)) throw malformed(`${field} malformed: an array of {key, value} expected`);
  const { key, value, init } = item;
  if (typeof key !== 'string' || key === '' || value === undefined) {
    throw malformed(`${field} malformed: each needs a 'key' that is a string, and a 'value'`);
  }
  if (init !== undefined && init !== null && typeof init !== 'boolean') {
    throw malformed(`${field} malformed: 'init' must be a boolean`);
  }
  return init === true ? { key, value, init } : { key, value };
}
