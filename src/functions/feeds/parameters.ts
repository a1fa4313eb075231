/** Parses parameters of feeds as clients send them: many send numbers and booleans as text, and '' for unset ones. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { functionFault } from '../faults.ts';
import type { SentDate } from './alarm-config.ts';

const shownLength = 256;

export function invalidFeed(message: string) {
  return functionFault('FEED_INVALID', message);
}

/** Undefined if it is not set. */
export function parameter(args: JsonObject, name: string): JsonValue | undefined {
  const value = Object.hasOwn(args, name) ? args[name] : undefined;
  return value === undefined || value === null || value === '' ? undefined : value;
}

/** @throws Fault FEED_INVALID */
export function textParameter(args: JsonObject, name: string): string | undefined {
  const value = parameter(args, name);
  if (value === undefined || typeof value === 'string') return value;
  throw invalidFeed(`the ${name} parameter must be a string`);
}

/** @throws Fault FEED_INVALID */
export function booleanParameter(args: JsonObject, name: string): boolean | undefined {
  const value = parameter(args, name);
  if (value === undefined || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.trim().toLowerCase() : '';
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalidFeed(`the ${name} parameter must be true or false`);
}

/** @throws Fault FEED_INVALID */
export function integerParameter(args: JsonObject, name: string): number | undefined {
  const value = parameter(args, name);
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^[+-]?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw invalidFeed(`the ${name} parameter must be an integer`);
}

/** One of a few words. @throws Fault FEED_INVALID */
export function wordParameter<Word extends string>(
  args: JsonObject,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const value = parameter(args, name);
  if (value === undefined) return undefined;
  const text = String(value).trim().toLowerCase();
  const word = words.find((each) => each === text);
  if (word !== undefined) return word;
  throw invalidFeed(`${name} parameter must be one of [${words.join(', ')}].`);
}

/**
 * Parses epoch milliseconds or text that `Date` reads; the date must be in the future.
 * @throws Fault FEED_INVALID
 */
export function dateParameter(args: JsonObject, name: string, now: number): SentDate | undefined {
  const value = parameter(args, name);
  if (value === undefined) return undefined;
  const sent = typeof value === 'number' || typeof value === 'string' ? value : Number.NaN;
  const time = new Date(sent).getTime();
  if (Number.isNaN(time)) throw invalidFeed(`${name} parameter '${shown(value)}' is not a valid Date`);
  if (time <= now) throw invalidFeed(`${name} parameter '${shown(value)}' must be in the future`);
  return sent;
}

/** The payload of a trigger: an object, JSON text of one, or any other text as `{payload: text}`. */
export function payloadParameter(args: JsonObject): JsonObject | undefined {
  const value = parameter(args, 'trigger_payload');
  if (value === undefined || isJsonObject(value)) return value;
  if (typeof value !== 'string')
    throw invalidFeed('the trigger_payload parameter must be an object or a string');
  return objectIn(value) ?? { payload: value };
}

export function shown(value: JsonValue): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, shownLength);
}

function objectIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
