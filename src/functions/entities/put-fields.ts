/** The fields that the bodies of all entities share, and how a change applies them. */
import type { JsonObject } from '../../lib/index.ts';
import { malformed, tooLarge } from '../faults.ts';
import type { SystemLimits } from '../limits.ts';
import { type KeyValue, sizeOf } from './key-values.ts';

/** `0.0.9` → `0.0.10`. */
export function nextPatch(version: string): string {
  const [major = '0', minor = '0', patch = '0'] = version.split('.');
  return `${major}.${minor}.${Number(patch) + 1}`;
}

/** Parses a field if it is given. Absent and `null` are the same. */
export function given<T>(body: JsonObject, field: string, parse: (value: unknown) => T): T | undefined {
  const value = Object.hasOwn(body, field) ? body[field] : undefined;
  return value === undefined || value === null ? undefined : parse(value);
}

const mostOfVersion = 2 ** 31 - 1;

/**
 * Parses a version like OpenWhisk: missing parts are 0, parts past the third are ignored, and all zeros is not a
 * version.
 * @throws Fault BODY_INVALID
 */
export function parseVersion(value: unknown): string {
  const parts = typeof value === 'string' ? value.replace(/\.+$/, '').split('.', 3) : [];
  const numbers = [0, 1, 2].map((at) => versionPart(parts[at] ?? '0'));
  if (numbers.some(Number.isNaN) || numbers.every((each) => each === 0))
    throw malformed("semantic version malformed: 'version' is a text such as 1.0.0");
  return numbers.join('.');
}

function versionPart(text: string): number {
  const number = /^\+?\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  return number <= mostOfVersion ? number : Number.NaN;
}

/** @throws Fault BODY_INVALID */
export function parsePublish(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw malformed("'publish' must be a boolean");
}

/** @throws Fault BODY_INVALID */
export function parseNames(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw malformed("'delAnnotations' must be an array of strings");
}

/** Checks the size of all parameters, or of all annotations. @throws Fault ENTITY_TOO_LARGE */
export function checkSize(field: string, list: readonly KeyValue[] | undefined, system: SystemLimits): void {
  if (list === undefined) return;
  const bytes = sizeOf(list);
  if (bytes > system.parametersBytes) throw tooLarge(field, bytes, system.parametersBytes);
}

export function removeKeys(list: readonly KeyValue[], keys: readonly string[]): readonly KeyValue[] {
  return keys.length === 0 ? list : list.filter(({ key }) => !keys.includes(key));
}
