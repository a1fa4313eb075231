/** Reads fields of answers, which are data from outside: a field of another type counts as absent. */
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';

export function textOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The value of one key in the API's `[{key, value}]` form. */
export function annotationOf(entity: JsonObject, key: string): JsonValue | undefined {
  const list = entity['annotations'];
  if (!Array.isArray(list)) return undefined;
  return list.filter(isJsonObject).find((entry) => entry['key'] === key)?.['value'];
}

/** `key=value key=value`; values that are not text are JSON. */
export function keyValuesText(list: JsonValue | undefined): string {
  if (!Array.isArray(list)) return '';
  return list
    .filter(isJsonObject)
    .map(({ key, value }) => `${textOf(key)}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

/** Epoch milliseconds as local time, `2026-01-31 14:05:09`. */
export function timeText(value: JsonValue | undefined): string {
  const time = new Date(numberOf(value) ?? Number.NaN);
  if (Number.isNaN(time.getTime())) return '';
  const two = (part: number) => String(part).padStart(2, '0');
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${date} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}

/** `17 ms`, `2.35 s`; empty when the record has no duration. */
export function durationText(value: JsonValue | undefined): string {
  const ms = numberOf(value);
  if (ms === undefined) return '';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** `name` or `package/name`: the API puts the package at the end of the namespace. */
export function pathOf(entity: JsonObject): string {
  const [, ...packages] = textOf(entity['namespace']).split('/');
  return [...packages, textOf(entity['name'])].join('/');
}

/** The namespace alone, without a package. */
export function namespaceOf(entity: JsonObject): string {
  return textOf(entity['namespace']).split('/')[0] ?? '';
}

/** The kind of an action: in lists it is only in an annotation. */
export function kindOf(action: JsonObject): string {
  return textOf(annotationOf(action, 'exec')) || textOf(objectOf(action['exec'])['kind']);
}

/** `{path, name}` of a rule as `path/name`, without its namespace. */
export function referenceText(value: JsonValue | undefined): string {
  const { path, name } = objectOf(value);
  const [, ...packages] = textOf(path).split('/');
  return [...packages, textOf(name)].join('/');
}

/** The lines of a record's log. */
export function logLinesOf(record: JsonObject): string[] {
  const logs = record['logs'];
  return Array.isArray(logs) ? logs.filter((line) => typeof line === 'string') : [];
}

/** `2026-01-01T10:00:00.123456789Z  stdout: hello` → `hello`. */
export function stripLogLine(line: string): string {
  return line.replace(/^\d{4}-\S+\s+std(?:out|err): ?/, '');
}

/**
 * True while it runs or waits. The summary of a trigger's record has neither end nor status, but has no kind either.
 */
export function isPending(activation: JsonObject): boolean {
  const status = objectOf(activation['response'])['status'];
  if (status !== undefined) return status === 'pending';
  const hasEnded = activation['end'] !== undefined || activation['statusCode'] !== undefined;
  return !hasEnded && annotationOf(activation, 'kind') !== undefined;
}
