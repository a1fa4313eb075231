/**
 * What a client sends to create or change an action, and what comes of it. Everything in the body is
 * optional; unknown fields are ignored and `null` is the same as absent.
 */
import { isJsonObject, type JsonObject, randomHex } from '../lib/index.ts';
import type { Action, ActionLimitsDocument, ExecDocument } from './action.ts';
import { functionFault, malformed, tooLarge } from './faults.ts';
import {
  type KeyValue,
  mergeKeyValues,
  type Parameter,
  parseAnnotations,
  parseParameters,
  sizeOf,
  valueFor,
} from './key-values.ts';
import type { Range, SystemLimits } from './limits.ts';
import type { EntityRef } from './names.ts';
import { type Runtime, resolveKind } from './runtimes.ts';
import { writeTime } from './write-time.ts';

/** Code as it was sent: text, or base64 of an archive. */
export interface ExecPut {
  readonly kind: string;
  readonly code: string;
  readonly main: string | undefined;
}

export interface ActionPut {
  readonly exec: ExecPut | undefined;
  readonly parameters: readonly Parameter[] | undefined;
  readonly annotations: readonly KeyValue[] | undefined;
  readonly delAnnotations: readonly string[];
  readonly limits: Partial<ActionLimitsDocument>;
  readonly version: string | undefined;
  readonly publish: boolean | undefined;
}

const maxMainLength = 256;

/** @throws Fault BODY_INVALID, KIND_UNSUPPORTED, LIMIT_OUT_OF_RANGE, ENTITY_TOO_LARGE */
export function parseActionPut(body: unknown, system: SystemLimits, runtimes: readonly Runtime[]): ActionPut {
  if (!isJsonObject(body)) throw malformed('Object expected');
  const put: ActionPut = {
    exec: given(body, 'exec', (value) => parseExec(value, system, runtimes)),
    parameters: given(body, 'parameters', (value) => parseParameters(value, 'parameters')),
    annotations: given(body, 'annotations', parseAnnotations),
    delAnnotations: given(body, 'delAnnotations', parseNames) ?? [],
    limits: given(body, 'limits', (value) => parseLimits(value, system)) ?? {},
    version: given(body, 'version', parseVersion),
    publish: given(body, 'publish', parsePublish),
  };
  checkSize('parameters', put.parameters, system);
  checkSize('annotations', put.annotations, system);
  return put;
}

/** The new action of a create. @throws Fault BODY_INVALID when there is no `exec` */
export function createAction(
  ref: EntityRef,
  put: ActionPut,
  exec: ExecDocument | undefined,
  system: SystemLimits,
): Action {
  if (exec === undefined) throw functionFault('BODY_INVALID', 'exec undefined');
  const defaults: ActionLimitsDocument = {
    timeout: system.timeoutMs.default,
    memory: system.memoryMiB.default,
    logs: system.logMiB.default,
    concurrency: system.concurrency.default,
  };
  const own = removeKeys(put.annotations ?? [], put.delAnnotations);
  const provideKey = { key: 'provide-api-key', value: false };
  const annotations = valueFor(own, provideKey.key) === undefined ? [...own, provideKey] : own;
  return {
    ref,
    version: put.version ?? '0.0.1',
    publish: put.publish ?? false,
    exec,
    parameters: put.parameters ?? [],
    annotations: withKind(annotations, exec.kind),
    limits: { ...defaults, ...put.limits },
    updated: writeTime(),
    revision: randomHex(16),
  };
}

/** The action after a change: what was not sent is kept. @throws Fault ENTITY_TOO_LARGE */
export function updateAction(
  old: Action,
  put: ActionPut,
  exec: ExecDocument | undefined,
  system: SystemLimits,
): Action {
  const merged = removeKeys(mergeKeyValues(old.annotations, put.annotations ?? []), put.delAnnotations);
  checkSize('annotations', merged, system);
  const nextExec = exec ?? old.exec;
  return {
    ref: old.ref,
    version: put.version ?? nextPatch(old.version),
    publish: put.publish ?? old.publish,
    exec: nextExec,
    parameters: put.parameters ?? old.parameters,
    annotations: withKind(merged, nextExec.kind),
    limits: { ...old.limits, ...put.limits },
    updated: writeTime(old.updated),
    revision: randomHex(16),
  };
}

/** `0.0.9` → `0.0.10`. */
export function nextPatch(version: string): string {
  const [major = '0', minor = '0', patch = '0'] = version.split('.');
  return `${major}.${minor}.${Number(patch) + 1}`;
}

function given<T>(body: JsonObject, field: string, parse: (value: unknown) => T): T | undefined {
  const value = Object.hasOwn(body, field) ? body[field] : undefined;
  return value === undefined || value === null ? undefined : parse(value);
}

function parseExec(value: unknown, system: SystemLimits, runtimes: readonly Runtime[]): ExecPut {
  if (!isJsonObject(value)) throw malformed("'exec' must be an object");
  const { kind, code, main } = value;
  if (typeof kind !== 'string') throw malformed("'kind' must be a string defined in 'exec'");
  const runtime = resolveKind(runtimes, kind);
  if (typeof code !== 'string') {
    throw malformed(`'code' must be a string defined in 'exec' for '${runtime.kind}' actions`);
  }
  const entry = main ?? undefined;
  if (entry !== undefined && (typeof entry !== 'string' || entry.length > maxMainLength)) {
    throw malformed(`if defined, 'main' must be a short string in 'exec' for '${runtime.kind}' actions`);
  }
  if (entry === undefined && runtime.requireMain) {
    throw malformed(`'main' must be a string defined in 'exec' for '${runtime.kind}' actions`);
  }
  const bytes = Buffer.byteLength(code) + Buffer.byteLength(entry ?? '');
  if (bytes > system.codeBytes) throw tooLarge('exec', bytes, system.codeBytes);
  return { kind: runtime.kind, code, main: entry };
}

function parseLimits(value: unknown, system: SystemLimits): Partial<ActionLimitsDocument> {
  if (!isJsonObject(value)) throw malformed("'limits' must be an object");
  const rows = [
    ['timeout', 'duration', ' milliseconds', system.timeoutMs],
    ['memory', 'memory', ' MB', system.memoryMiB],
    ['logs', 'logs', ' MB', system.logMiB],
    ['concurrency', 'concurrency', '', system.concurrency],
  ] as const;
  const limits: { -readonly [Name in keyof ActionLimitsDocument]?: number } = {};
  for (const [field, name, unit, range] of rows) {
    const wanted = value[field];
    if (wanted !== undefined && wanted !== null) limits[field] = inRange(wanted, name, unit, range);
  }
  return limits;
}

function inRange(value: unknown, name: string, unit: string, range: Range): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw malformed(`${name} limit must be whole number`);
  }
  if (value >= range.min && value <= range.max) return value;
  const rule =
    value < range.min
      ? `below allowed threshold of ${range.min}`
      : `exceeds allowed threshold of ${range.max}`;
  throw functionFault('LIMIT_OUT_OF_RANGE', `${name} ${value}${unit} ${rule}${unit}`);
}

function parseVersion(value: unknown): string {
  if (typeof value === 'string' && /^\d{1,9}\.\d{1,9}\.\d{1,9}$/.test(value)) return value;
  throw malformed('semver malformed: three numbers such as 1.0.0 expected');
}

function parsePublish(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw malformed("'publish' must be a boolean");
}

function parseNames(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw malformed("'delAnnotations' must be an array of strings");
}

function checkSize(field: string, list: readonly KeyValue[] | undefined, system: SystemLimits): void {
  if (list === undefined) return;
  const bytes = sizeOf(list);
  if (bytes > system.parametersBytes) throw tooLarge(field, bytes, system.parametersBytes);
}

function removeKeys(list: readonly KeyValue[], keys: readonly string[]): readonly KeyValue[] {
  return keys.length === 0 ? list : list.filter(({ key }) => !keys.includes(key));
}

function withKind(annotations: readonly KeyValue[], kind: string): readonly KeyValue[] {
  return mergeKeyValues(annotations, [{ key: 'exec', value: kind }]);
}
