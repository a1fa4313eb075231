/** The annotation `retry` of a rule: how often its action is tried, and how long to wait in between. */
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import { type KeyValue, valueFor } from '../entities/key-values.ts';
import { malformed } from '../faults.ts';

export type RetryPolicy = {
  /** Total tries, including the first. */
  readonly attempts: number;
  /** Wait before the second try. Doubled for each later one. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
};

const maxAttempts = 10;
const minBackoffMs = 100;
const dayMs = 86_400_000;
const defaultMaxBackoffMs = 600_000;

/** Undefined if the rule asks for no retries. @throws Fault BODY_INVALID */
export function retryPolicyOf(annotations: readonly KeyValue[]): RetryPolicy | undefined {
  const value = valueFor(annotations, 'retry');
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw malformed("the annotation 'retry' must be an object");
  const attempts = wholeNumber(value['attempts'], 'attempts', 1, maxAttempts);
  const backoffMs = wholeNumber(value['backoffMs'], 'backoffMs', minBackoffMs, dayMs);
  const longest = value['maxBackoffMs'] ?? Math.max(defaultMaxBackoffMs, backoffMs);
  return { attempts, backoffMs, maxBackoffMs: wholeNumber(longest, 'maxBackoffMs', backoffMs, dayMs) };
}

/**
 * The wait after a number of failed tries: exponential, and randomly up to a half less, so that deliveries that
 * failed together are not retried together.
 * @param random from 0 to 1
 */
export function backoffMs({ backoffMs: first, maxBackoffMs }: RetryPolicy, tries: number, random: number) {
  const full = Math.min(maxBackoffMs, first * 2 ** (tries - 1));
  return Math.round(full * (1 - random / 2));
}

function wholeNumber(value: JsonValue | undefined, name: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw malformed(`'${name}' of the annotation 'retry' must be a whole number from ${min} to ${max}`);
}
