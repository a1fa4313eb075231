/** Inputs with a description instead of a plain value: `name: {type: string, default: Ada}`. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';

const multilineKeys = [
  'type',
  'description',
  'value',
  'required',
  'default',
  'status',
  'schema',
  'properties',
];

/** True when every key describes an input. */
export function isMultiline(input: JsonValue | undefined): input is JsonObject {
  if (!isJsonObject(input)) return false;
  const keys = Object.keys(input);
  return keys.length > 0 && keys.every((key) => multilineKeys.includes(key));
}
