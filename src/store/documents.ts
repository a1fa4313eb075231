/** Parses JSON columns. A document that does not parse was not written by Ward: STORE_CORRUPT. */
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';
import { storeFault } from './faults.ts';

export function parseValue(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt(cause);
  }
}

export function parseObject(text: string): JsonObject {
  const value = parseValue(text);
  if (!isJsonObject(value)) throw corrupt(undefined);
  return value;
}

export function parseLines(text: string): readonly string[] {
  const value = parseValue(text);
  if (!Array.isArray(value) || !value.every((line) => typeof line === 'string')) throw corrupt(undefined);
  return value;
}

function corrupt(cause: unknown) {
  return storeFault('STORE_CORRUPT', 'a document in the database was not written by Ward', {
    hint: 'Stop Ward and restore the database from a backup.',
    cause,
  });
}
