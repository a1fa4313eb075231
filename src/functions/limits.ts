/**
 * Limits of an action, a request and a namespace. The system's limits are OpenWhisk's defaults with the operator's
 * configuration. A namespace may have its own limits within them (`namespace-limits.ts`).
 */
import { defaultResultBytes, type SandboxAsk } from '../dispatch/index.ts';
import { usualMemoryMiB } from '../sandbox/index.ts';
import { functionFault } from './faults.ts';

export interface Span {
  readonly min: number;
  readonly max: number;
}

export interface Range extends Span {
  readonly default: number;
}

export interface SystemLimits {
  readonly timeoutMs: Range;
  readonly memoryMiB: Range;
  readonly logMiB: Range;
  /** Activations that one sandbox may run at once. */
  readonly concurrency: Range;
  /** Processors, may be a fraction. The default is that of the sandbox policy. */
  readonly cpus: Span;
  /** Size of `/tmp`. The default is that of the sandbox policy. */
  readonly diskMiB: Span;
  /** Maximum bytes of the code in `exec`, as it is sent: base64 counts in full. */
  readonly codeBytes: number;
  /** Maximum bytes of all parameters of an entity, and of all its annotations. */
  readonly parametersBytes: number;
  readonly payloadBytes: number;
  /** Maximum bytes of a serialised result. */
  readonly resultBytes: number;
  readonly list: { readonly default: number; readonly max: number };
  /** How long a blocking invocation keeps its caller waiting. */
  readonly blockingWaitMs: number;
  readonly sequenceLength: number;
  readonly invocationsPerMinute: number;
  readonly concurrentInvocations: number;
  readonly firesPerMinute: number;
  /** Limit on disk for the code and entities of a namespace. */
  readonly codeQuotaBytes: number;
  /** Limit on disk for the records of a namespace's activations, with logs and inputs. */
  readonly recordQuotaBytes: number;
  /** Limit for the pushed images of a namespace. */
  readonly registryQuotaBytes: number;
}

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

export const defaultLimits: SystemLimits = {
  timeoutMs: { min: 100, max: 300_000, default: 60_000 },
  memoryMiB: usualMemoryMiB,
  logMiB: { min: 0, max: 10, default: 10 },
  concurrency: { min: 1, max: 500, default: 1 },
  cpus: { min: 0.05, max: 2 },
  diskMiB: { min: 1, max: 512 },
  codeBytes: 48 * mebibyte,
  parametersBytes: mebibyte,
  payloadBytes: mebibyte,
  resultBytes: defaultResultBytes,
  list: { default: 30, max: 200 },
  blockingWaitMs: 60_000,
  sequenceLength: 50,
  invocationsPerMinute: 60,
  concurrentInvocations: 30,
  firesPerMinute: 60,
  codeQuotaBytes: gibibyte,
  recordQuotaBytes: 4 * gibibyte,
  registryQuotaBytes: 20 * gibibyte,
};

export const quotaNames = ['codeQuotaBytes', 'recordQuotaBytes', 'registryQuotaBytes'] as const;

/** The complete limits of one namespace, as `GET /namespaces/{ns}/limits` answers them. */
export type UserLimits = {
  readonly invocationsPerMinute: number;
  readonly concurrentInvocations: number;
  readonly firesPerMinute: number;
  /** Absent or empty: every kind. */
  readonly allowedKinds?: readonly string[];
  /** Absent: true. */
  readonly storeActivations?: boolean;
  readonly maxParameterSize: string;
  /** MiB. */
  readonly minActionMemory: number;
  readonly maxActionMemory: number;
  /** Milliseconds. */
  readonly minActionTimeout: number;
  readonly maxActionTimeout: number;
  /** MiB. */
  readonly minActionLogs: number;
  readonly maxActionLogs: number;
  readonly minActionConcurrency: number;
  readonly maxActionConcurrency: number;
  /** The largest value for an action's limit `instances`. */
  readonly maxActionInstances: number;
  readonly codeQuotaBytes: number;
  readonly recordQuotaBytes: number;
  readonly registryQuotaBytes: number;
  /** What its sandboxes get unless their action asks for something else. Absent: the server's default. */
  readonly sandbox?: SandboxAsk;
};

/** Ranges for the actions of one namespace. */
export interface ActionRanges extends SystemLimits {
  /** Maximum of sandboxes of one action. */
  readonly instances: Span;
}

/** The system's limits, narrowed to a namespace's. A default outside the range becomes the nearer bound. */
export function actionRanges(system: SystemLimits, own: UserLimits): ActionRanges {
  return {
    ...system,
    memoryMiB: narrowed(system.memoryMiB, own.minActionMemory, own.maxActionMemory),
    timeoutMs: narrowed(system.timeoutMs, own.minActionTimeout, own.maxActionTimeout),
    logMiB: narrowed(system.logMiB, own.minActionLogs, own.maxActionLogs),
    concurrency: narrowed(system.concurrency, own.minActionConcurrency, own.maxActionConcurrency),
    instances: { min: 1, max: own.maxActionInstances },
  };
}

/**
 * Checks that the namespace may have actions of a (resolved) kind: `sequence` and `blackbox` are kinds too.
 * @throws Fault NOT_AUTHORIZED
 */
export function checkKind(
  { allowedKinds }: Pick<UserLimits, 'allowedKinds'>,
  kind: string,
  runsAs = kind,
): void {
  if (allowedKinds === undefined || allowedKinds.length === 0) return;
  if (allowedKinds.includes(kind) || allowedKinds.includes(runsAs)) return;
  throw functionFault(
    'NOT_AUTHORIZED',
    `The supplied authentication is not authorized to access actions of kind '${kind}'.`,
  );
}

function narrowed(range: Range, min: number, max: number): Range {
  return { min, max, default: clamp(range.default, { min, max }) };
}

/** The nearest value in the range. */
export function clamp(value: number, { min, max }: Span): number {
  return Math.min(Math.max(value, min), max);
}
