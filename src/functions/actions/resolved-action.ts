/** An action ready to be invoked by a caller: what every call needs, computed once for each revision. */
import type { ActionLimits, JobTarget, SandboxAsk, Scaling } from '../../dispatch/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { BuiltinAction } from '../builtin.ts';
import { type Parameter, toObject, valueFor } from '../entities/key-values.ts';
import { fullNameOf } from '../entities/names.ts';
import { effectiveAsk, sandboxAskOf } from '../entities/sandbox-ask.ts';
import { functionFault } from '../faults.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { KeyTerms } from '../packages/key-terms.ts';
import { type Action, actionLimits } from './action.ts';
import { blackboxKind, type CodeExec, isCode, isSequence } from './exec.ts';
import { frameOf, type RecordFrame } from './record-frame.ts';
import { familyOf, type Runtime, runningKind } from './runtimes.ts';
import { scalingOf } from './scaling.ts';

/** How it is invoked. */
export type Plan =
  | {
      readonly type: 'code';
      /** The kind that runs it. */
      readonly kind: string;
      readonly code: JobTarget['code'];
      readonly image: string | undefined;
      readonly scaling: Scaling | undefined;
      readonly sandbox: SandboxAsk | undefined;
      /** The action's limits, as far as its runtime can use them. */
      readonly runLimits: ActionLimits;
      /** It returns what to call next instead of a result. */
      readonly isConductor: boolean;
    }
  | { readonly type: 'sequence'; readonly components: readonly string[] }
  | { readonly type: 'builtin'; readonly builtin: BuiltinAction };

export interface ResolvedAction {
  readonly action: Action;
  /** `/ns/[pkg/]name` of the action itself. */
  readonly fullName: string;
  /** `ns/binding` through which it was named, if any. */
  readonly binding: string | undefined;
  readonly plan: Plan;
  readonly limits: ActionLimits;
  /** Frame of its activation records. */
  readonly frame: RecordFrame;
  /** Default parameters of each call and of the initialisation: those of its package, its binding and its own. */
  readonly defaults: JsonObject;
  readonly initKeys: ReadonlySet<string>;
  /** Parameters that a call must not override. */
  readonly finalKeys: ReadonlySet<string>;
  readonly providesApiKey: boolean;
  readonly keyTerms: KeyTerms;
  /** The parameters of a call are kept with its record. */
  readonly capturesInput: boolean;
  /** A call that a restart interrupted is run again. Undefined: it is not. */
  readonly retriesOnRestart: true | undefined;
  /** Packages and actions that it depends on, by `sourceOf`. */
  readonly sources: readonly string[];
}

interface Arguments {
  readonly parameters: JsonObject | readonly JsonValue[];
  /** Environment variables of the sandbox. */
  readonly initEnv: JsonObject;
}

interface Resolution {
  readonly action: Action;
  /** Parameters of all levels. Later ones win. */
  readonly parameters: readonly Parameter[];
  readonly binding: string | undefined;
  readonly builtin: BuiltinAction | undefined;
  readonly keyTerms: KeyTerms;
  readonly sources: readonly string[];
}

/** @throws Fault NOT_FOUND for a built-in action, KIND_UNSUPPORTED for a kind, that this Ward does not have */
export function resolveAction(resolution: Resolution, runtimes: readonly Runtime[]): ResolvedAction {
  const { action, parameters, binding } = resolution;
  const { annotations } = action;
  const isFinal = valueFor(annotations, 'final') === true;
  const fullName = `/${fullNameOf(action.ref)}`;
  const plan = planOf(resolution, runtimes);
  const limits = actionLimits(action.limits);
  return {
    action,
    fullName,
    binding,
    plan,
    limits,
    frame: frameOf({
      action: fullName,
      version: action.version,
      kind: plan.type === 'code' && plan.isConductor ? 'sequence' : action.exec.kind,
      limits,
      binding,
      isConductor: plan.type === 'code' && plan.isConductor,
    }),
    defaults: toObject(parameters),
    initKeys: new Set(parameters.filter(({ init }) => init === true).map(({ key }) => key)),
    finalKeys: new Set(isFinal ? parameters.filter(({ value }) => value !== null).map(({ key }) => key) : []),
    providesApiKey: isTruthy(valueFor(annotations, 'provide-api-key')),
    keyTerms: resolution.keyTerms,
    capturesInput: valueFor(annotations, 'capture-input') === true,
    retriesOnRestart: valueFor(annotations, 'retry-on-restart') === true || undefined,
    sources: resolution.sources,
  };
}

const nothing: JsonObject = Object.freeze({});

/** Refuses a payload that sets final parameters. @throws Fault PARAMETERS_NOT_ALLOWED */
export function checkPayload({ finalKeys }: ResolvedAction, payload: JsonObject): void {
  if (finalKeys.size === 0 || !Object.keys(payload).some((key) => finalKeys.has(key))) return;
  throw functionFault(
    'PARAMETERS_NOT_ALLOWED',
    'Request defines parameters that are not allowed (e.g., reserved properties).',
  );
}

/**
 * Merges the call's parameters over the action's. A list, which can be the result of another action, is passed
 * unchanged.
 */
export function mergeArguments(
  { defaults, initKeys }: Pick<ResolvedAction, 'defaults' | 'initKeys'>,
  payload: JsonObject | readonly JsonValue[],
): Arguments {
  const merged = isList(payload) ? defaults : { ...defaults, ...payload };
  if (initKeys.size === 0) return { parameters: isList(payload) ? payload : merged, initEnv: nothing };
  const entries = Object.entries(merged);
  const initEnv = Object.fromEntries(
    entries.filter(([key]) => initKeys.has(key)).map(([key, value]) => [key, environmentText(value)]),
  );
  if (isList(payload)) return { parameters: payload, initEnv };
  return { parameters: Object.fromEntries(entries.filter(([key]) => !initKeys.has(key))), initEnv };
}

/** What the invoker needs to know about the action. @param owner the invoking namespace */
export function targetOf(
  resolved: ResolvedAction,
  plan: Extract<Plan, { type: 'code' }>,
  owner: Pick<Identity, 'namespace' | 'limits'>,
  initEnv: JsonObject,
): JobTarget {
  const { action, fullName } = resolved;
  const { namespace, limits } = owner;
  const sandbox = effectiveAsk(plan.sandbox, limits.sandbox);
  return {
    namespace,
    action: fullName,
    version: action.version,
    revision: action.revision,
    kind: plan.kind,
    image: plan.image,
    code: plan.code,
    limits: plan.runLimits,
    namespaceConcurrency: limits.concurrentInvocations,
    scaling: plan.scaling,
    sandbox,
    providesApiKey: resolved.providesApiKey,
    initEnv,
  };
}

/** Runtimes that run several calls in one sandbox at once. In others, calls would wait for each other. */
const concurrentFamilies = new Set(['nodejs', blackboxKind]);

function usableLimits(kind: string, limits: ActionLimits): ActionLimits {
  return concurrentFamilies.has(familyOf(kind)) ? limits : { ...limits, concurrency: 1 };
}

function planOf({ action, builtin }: Resolution, runtimes: readonly Runtime[]): Plan {
  const { exec, annotations, limits } = action;
  if (isSequence(exec)) return { type: 'sequence', components: exec.components };
  if (isCode(exec)) {
    const isConductor = isTruthy(valueFor(annotations, 'conductor'));
    const runLimits = usableLimits(exec.kind, actionLimits(limits));
    return {
      type: 'code',
      kind: runningKind(runtimes, exec.kind),
      ...codeOf(exec),
      scaling: scalingOf(annotations, limits),
      sandbox: sandboxAskOf(annotations),
      runLimits,
      isConductor,
    };
  }
  if (builtin === undefined) throw functionFault('NOT_FOUND', 'The requested resource does not exist.');
  return { type: 'builtin', builtin };
}

function codeOf({ digest, binary, main = 'main', image }: CodeExec) {
  return { code: { digest, binary, main }, image };
}

function isList(value: JsonObject | readonly JsonValue[]): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Strings unchanged, `null` as empty, everything else as JSON. */
function environmentText(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** Follows JavaScript's truthiness. `NaN` cannot occur. */
function isTruthy(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '';
}
