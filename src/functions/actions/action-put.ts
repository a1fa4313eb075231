/**
 * Parses what a client sends to create or change an action, and applies it. All fields of the body are optional.
 * Unknown fields are ignored, and `null` equals absent.
 */
import { isJsonObject, randomHex } from '../../lib/index.ts';
import {
  type KeyValue,
  mergeKeyValues,
  type Parameter,
  parseAnnotations,
  parseParameters,
  valueFor,
} from '../entities/key-values.ts';
import { type EntityRef, fullNameOf, type NamespaceName, parseFullName } from '../entities/names.ts';
import {
  checkSize,
  given,
  nextPatch,
  parseNames,
  parsePublish,
  parseVersion,
  removeKeys,
} from '../entities/put-fields.ts';
import { writeTime } from '../entities/write-time.ts';
import { functionFault, malformed, tooLarge } from '../faults.ts';
import type { ActionRanges, Span, SystemLimits } from '../limits.ts';
import type { Action, ActionLimitsDocument } from './action.ts';
import { blackboxKind, type ExecDocument, isSequence, sequenceKind } from './exec.ts';
import { familyOf, type Runtime, resolveKind } from './runtimes.ts';
import { checkScaling } from './scaling.ts';

/** Code as sent: text, or base64 of bytes. */
export interface CodePut {
  readonly kind: string;
  readonly image?: string | undefined;
  readonly code: string;
  readonly main: string | undefined;
}

interface SequencePut {
  readonly kind: 'sequence';
  readonly components: readonly EntityRef[];
}

export interface ActionPut {
  readonly exec: CodePut | SequencePut | undefined;
  readonly parameters: readonly Parameter[] | undefined;
  readonly annotations: readonly KeyValue[] | undefined;
  readonly delAnnotations: readonly string[];
  readonly limits: Partial<ActionLimitsDocument>;
  readonly version: string | undefined;
  readonly publish: boolean | undefined;
}

interface PutRules {
  /** Ranges for the actions of the namespace. */
  readonly limits: ActionRanges;
  readonly runtimes: readonly Runtime[];
  /** The caller's namespace. */
  readonly own: NamespaceName;
}

const maxMainLength = 256;
const imagePattern = /^[a-z0-9]+(?:[._:/@-]+[A-Za-z0-9]+)*$/;
const maxImageLength = 512;
/** The image that `wsk --native` sends to run a native program. */
const nativeImage = /^(?:docker\.io\/)?openwhisk\/dockerskeleton(?::[\w.-]+)?$/;

/** @throws Fault BODY_INVALID, NAME_INVALID, KIND_UNSUPPORTED, LIMIT_OUT_OF_RANGE, ENTITY_TOO_LARGE */
export function parseActionPut(body: unknown, rules: PutRules): ActionPut {
  if (!isJsonObject(body)) throw malformed('Object expected');
  const { limits } = rules;
  const put: ActionPut = {
    exec: given(body, 'exec', (value) => parseExec(value, rules)),
    parameters: given(body, 'parameters', (value) => parseParameters(value, 'parameters')),
    annotations: given(body, 'annotations', parseAnnotations),
    delAnnotations: given(body, 'delAnnotations', parseNames) ?? [],
    limits: given(body, 'limits', (value) => parseLimits(value, limits)) ?? {},
    version: given(body, 'version', parseVersion),
    publish: given(body, 'publish', parsePublish),
  };
  checkSize('parameters', put.parameters, limits);
  checkSize('annotations', put.annotations, limits);
  return put;
}

/** Makes the action of a create. @throws Fault BODY_INVALID when there is no `exec` */
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
  return checked({
    ref,
    version: put.version ?? '0.0.1',
    publish: put.publish ?? false,
    exec,
    parameters: isSequence(exec) ? [] : (put.parameters ?? []),
    annotations: withKind(annotations, exec.kind),
    limits: { ...defaults, ...put.limits },
    updated: writeTime(),
    revision: randomHex(16),
  });
}

/** Makes the changed action. Fields that were not sent are kept. @throws Fault ENTITY_TOO_LARGE */
export function updateAction(
  old: Action,
  put: ActionPut,
  exec: ExecDocument | undefined,
  system: SystemLimits,
): Action {
  const merged = removeKeys(
    mergeKeyValues<KeyValue>(old.annotations, put.annotations ?? []),
    put.delAnnotations,
  );
  checkSize('annotations', merged, system);
  const nextExec = exec ?? old.exec;
  // The parameters of a sequence are its components. Code must not inherit them, so `old` has none then.
  const parameters = isSequence(nextExec) ? [] : (put.parameters ?? old.parameters);
  return checked({
    ref: old.ref,
    version: put.version ?? nextPatch(old.version),
    publish: put.publish ?? old.publish,
    exec: nextExec,
    parameters,
    annotations: withKind(merged, nextExec.kind),
    limits: { ...old.limits, ...put.limits },
    updated: writeTime(old.updated),
    revision: randomHex(16),
  });
}

/** The stored form of a sequence. */
export function sequenceExec(put: SequencePut): ExecDocument {
  return { kind: sequenceKind, components: put.components.map((ref) => `/${fullNameOf(ref)}`) };
}

export function isSequencePut(exec: CodePut | SequencePut): exec is SequencePut {
  return 'components' in exec;
}

function parseExec(value: unknown, rules: PutRules): CodePut | SequencePut {
  if (!isJsonObject(value)) throw malformed("'exec' must be an object");
  const { kind } = value;
  if (typeof kind !== 'string') throw malformed("'kind' must be a string defined in 'exec'");
  const name = kind.trim().toLowerCase();
  if (name === sequenceKind) return parseSequence(value['components'], rules.own);
  if (name === blackboxKind) return parseBlackbox(value, rules);
  const runtime = resolveKind(rules.runtimes, kind);
  return parseCode(value, runtime, rules.limits);
}

function parseSequence(components: unknown, own: NamespaceName): SequencePut {
  if (!Array.isArray(components)) throw malformed("'components' must be defined for sequence kind");
  const names = components.map((each) => {
    if (typeof each !== 'string') throw malformed("'components' must be an array of full names of actions");
    return parseFullName(each, own);
  });
  return { kind: sequenceKind, components: names };
}

function parseBlackbox(value: Readonly<Record<string, unknown>>, rules: PutRules): CodePut {
  const { image, code } = value;
  if (typeof image !== 'string' || image.length > maxImageLength || !imagePattern.test(image)) {
    throw malformed(`'image' must be a string defined in 'exec' for '${blackboxKind}' actions`);
  }
  const native = rules.runtimes.find((each) => each.default && familyOf(each.kind) === 'native');
  if (native !== undefined && nativeImage.test(image) && typeof code === 'string' && code !== '') {
    return parseCode(value, native, rules.limits);
  }
  const absent = code === undefined || code === null;
  const any = { kind: blackboxKind, requireMain: false };
  return { ...parseCode({ ...value, code: absent ? '' : code }, any, rules.limits), image };
}

function parseCode(
  { code, main }: Readonly<Record<string, unknown>>,
  runtime: Pick<Runtime, 'kind' | 'requireMain'>,
  limits: SystemLimits,
): CodePut {
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
  if (bytes > limits.codeBytes) throw tooLarge('exec', bytes, limits.codeBytes);
  return { kind: runtime.kind, code, main: entry };
}

function parseLimits(value: unknown, system: ActionRanges): Partial<ActionLimitsDocument> {
  if (!isJsonObject(value)) throw malformed("'limits' must be an object");
  const rows = [
    ['timeout', 'duration', 'time', ' milliseconds', system.timeoutMs],
    ['memory', 'memory size', 'memory', ' MB', system.memoryMiB],
    ['logs', 'log size', 'log', ' MB', system.logMiB],
    ['concurrency', 'concurrency', 'intra concurrency', '', system.concurrency],
    ['instances', 'instances', 'instance concurrency', '', system.instances],
    ['disk', 'disk', 'disk', ' MB', system.diskMiB],
  ] as const;
  const limits: { -readonly [Name in keyof ActionLimitsDocument]?: number } = {};
  for (const [field, name, shortName, unit, range] of rows) {
    const wanted = value[field];
    if (wanted === undefined || wanted === null) continue;
    if (!Number.isInteger(wanted)) throw malformed(`${shortName} limit must be whole number`);
    limits[field] = inRange(Number(wanted), name, unit, range);
  }
  const { cpus } = value;
  if (cpus === undefined || cpus === null) return limits;
  if (typeof cpus !== 'number') throw malformed('cpus limit must be a number');
  return { ...limits, cpus: inRange(cpus, 'cpus', '', system.cpus) };
}

function inRange(value: number, name: string, unit: string, range: Span): number {
  if (value >= range.min && value <= range.max) return value;
  const rule =
    value < range.min
      ? `below allowed threshold of ${range.min}`
      : `exceeds allowed threshold of ${range.max}`;
  throw functionFault('LIMIT_OUT_OF_RANGE', `${name} ${value}${unit} ${rule}${unit}`);
}

function withKind(annotations: readonly KeyValue[], kind: string): readonly KeyValue[] {
  return mergeKeyValues<KeyValue>(annotations, [{ key: 'exec', value: kind }]);
}

function checked(action: Action): Action {
  checkScaling(action.annotations, action.limits);
  return action;
}
