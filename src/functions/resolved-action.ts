/** An action made ready to be invoked: what every call needs, worked out once for each revision. */
import type { ActionLimits, Job } from '../invoker/index.ts';
import type { JsonObject, JsonValue } from '../lib/index.ts';
import type { Action } from './action.ts';
import { functionFault } from './faults.ts';
import { toObject, valueFor } from './key-values.ts';
import { fullNameOf } from './names.ts';
import { frameOf, type RecordFrame } from './record.ts';

export interface ResolvedAction {
  readonly action: Action;
  /** `/ns/[pkg/]name`. */
  readonly fullName: string;
  readonly code: Job['code'];
  readonly limits: ActionLimits;
  /** Of the records of its activations. */
  readonly frame: RecordFrame;
  /** Parameters of each call, and of the initialisation. */
  readonly defaults: JsonObject;
  readonly initKeys: ReadonlySet<string>;
  /** Parameters that a call must not override. */
  readonly finalKeys: ReadonlySet<string>;
  readonly providesApiKey: boolean;
}

export interface Arguments {
  readonly parameters: JsonObject;
  /** Environment variables of the sandbox. */
  readonly initEnv: JsonObject;
}

export function resolveAction(action: Action): ResolvedAction {
  const { parameters, annotations, limits } = action;
  const isFinal = valueFor(annotations, 'final') === true;
  const fullName = `/${fullNameOf(action.ref)}`;
  const { digest, binary, main = 'main', kind } = action.exec;
  const jobLimits = {
    timeoutMs: limits.timeout,
    memoryMiB: limits.memory,
    logBytes: limits.logs * 1024 * 1024,
    concurrency: limits.concurrency,
  };
  return {
    action,
    fullName,
    code: { digest, binary, main },
    limits: jobLimits,
    frame: frameOf({ action: fullName, version: action.version, kind, limits: jobLimits }),
    defaults: toObject(parameters),
    initKeys: new Set(parameters.filter(({ init }) => init === true).map(({ key }) => key)),
    finalKeys: new Set(isFinal ? parameters.filter(({ value }) => value !== null).map(({ key }) => key) : []),
    providesApiKey: isTruthy(valueFor(annotations, 'provide-api-key')),
  };
}

const nothing: JsonObject = Object.freeze({});

/** The action's parameters under the call's. @throws Fault PARAMETERS_NOT_ALLOWED */
export function mergeArguments(resolved: ResolvedAction, payload: JsonObject): Arguments {
  const { defaults, initKeys, finalKeys } = resolved;
  if (finalKeys.size > 0 && Object.keys(payload).some((key) => finalKeys.has(key))) {
    throw functionFault(
      'PARAMETERS_NOT_ALLOWED',
      'Request defines parameters that are not allowed (e.g., reserved properties).',
    );
  }
  const merged = { ...defaults, ...payload };
  if (initKeys.size === 0) return { parameters: merged, initEnv: nothing };
  const entries = Object.entries(merged);
  return {
    parameters: Object.fromEntries(entries.filter(([key]) => !initKeys.has(key))),
    initEnv: Object.fromEntries(
      entries.filter(([key]) => initKeys.has(key)).map(([key, value]) => [key, environmentText(value)]),
    ),
  };
}

/** Strings as they are, `null` as empty, everything else as JSON. */
function environmentText(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

function isTruthy(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '';
}
