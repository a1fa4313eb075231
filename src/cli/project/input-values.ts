/**
 * Inputs of a manifest as values: `name: Ada`, `name: string` (a type alone stands for its empty value), or
 * `name: {type, value, default, required, …}`.
 */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { isMultiline } from './multiline-input.ts';
import { ownOf } from './own.ts';
import type { Variables } from './variables.ts';

interface InputSources {
  /** `packages.shop.actions.list`, for messages. */
  readonly place: string;
  readonly inputs: JsonObject | null | undefined;
  /** From the deployment file; it wins over the manifest. */
  readonly overrides?: JsonObject | null | undefined;
  /** What was typed with --param: it wins over both. */
  readonly typed: JsonObject;
  readonly variables: Variables;
  readonly refuse: (what: string, place: string) => Error;
}

const emptyValues: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['string', ''],
  ['integer', 0],
  ['float', 0],
  ['boolean', false],
  ['json', {}],
  ['object', {}],
  ['null', null],
]);

/** @throws the error of `refuse` for a required input without a value, or a value of the wrong type */
export function inputValues(sources: InputSources): JsonObject {
  const { inputs, overrides, typed } = sources;
  const merged = { ...inputs };
  for (const [name, value] of Object.entries(overrides ?? {}))
    merged[name] = overlaid(ownOf(merged, name), value);
  const entries = Object.entries(merged).map(([name, input]) => {
    const value = Object.hasOwn(typed, name) ? typed[name] : valueOfInput(name, input, sources);
    return [name, value ?? null] as const;
  });
  const lacking = entries.filter(
    ([name, value]) => isRequired(merged[name]) && (value === '' || value === null),
  );
  if (lacking.length > 0)
    throw sources.refuse(
      `no value for ${lacking.map(([name]) => name).join(', ')}: set the environment, the deployment file, or --param`,
      sources.place,
    );
  return Object.fromEntries(entries);
}

/** `given`, with the description from the manifest. */
function overlaid(declared: JsonValue | undefined, given: JsonValue | undefined): JsonValue | undefined {
  const value = isMultiline(given) ? (given['value'] ?? given['default']) : given;
  return isMultiline(declared) ? { ...declared, value } : value;
}

function valueOfInput(name: string, input: JsonValue | undefined, sources: InputSources): JsonValue {
  if (!isMultiline(input)) {
    const isType = typeof input === 'string' && emptyValues.has(input);
    return isType ? (emptyValues.get(input) ?? null) : sources.variables.value(input ?? null);
  }
  const type = typeof input['type'] === 'string' ? input['type'] : undefined;
  const given = input['value'] ?? input['default'];
  if (given === undefined || given === null) return emptyValues.get(type ?? 'string') ?? null;
  return typedValue(name, type, sources.variables.value(given), sources);
}

/** Converts text from the environment to the declared type. */
function typedValue(
  name: string,
  type: string | undefined,
  value: JsonValue,
  { refuse, place }: InputSources,
): JsonValue {
  if (typeof value !== 'string' || value === '') return value;
  if (type === 'integer' || type === 'float') {
    if (/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value)) return Number(value);
    throw refuse(`input ${name} is not of type ${type}`, place);
  }
  if (type === 'boolean') {
    if (value === 'true' || value === 'false') return value === 'true';
    throw refuse(`input ${name} is not a boolean`, place);
  }
  if (type !== 'json' && type !== 'object') return value;
  try {
    return JSON.parse(value);
  } catch {
    throw refuse(`input ${name} is not JSON`, place);
  }
}

function isRequired(input: JsonValue | undefined): boolean {
  return isMultiline(input) && input['required'] === true;
}
