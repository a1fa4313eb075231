/** The limits that an operator sets for one namespace. They are stored with it, and a change can set some of them. */
import { z } from 'zod';
import { parseEgress } from '../../egress/index.ts';
import { type JsonObject, messageOf } from '../../lib/index.ts';
import { parseSandboxAsk } from '../entities/sandbox-ask.ts';
import { functionFault } from '../faults.ts';
import { clamp, type Range, type SystemLimits, type UserLimits } from '../limits.ts';

const rate = z.int().min(0).max(1_000_000_000);
const kind = z.string().regex(/^[a-z0-9][a-z0-9:._-]{0,63}$/);
const most = 1_000_000_000;
const quota = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

function parsed<Value>(parse: (value: unknown) => Value) {
  return z.unknown().transform((value, context): Value => {
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });
}

const fields = {
  invocationsPerMinute: rate,
  concurrentInvocations: rate,
  firesPerMinute: rate,
  /** Empty: all kinds. */
  allowedKinds: z.array(kind).max(100),
  storeActivations: z.boolean(),
  minActionMemory: z.int(),
  maxActionMemory: z.int(),
  minActionTimeout: z.int(),
  maxActionTimeout: z.int(),
  minActionLogs: z.int(),
  maxActionLogs: z.int(),
  minActionConcurrency: z.int(),
  maxActionConcurrency: z.int(),
  maxActionInstances: z.int().min(1).max(most),
  codeQuotaBytes: quota,
  recordQuotaBytes: quota,
  registryQuotaBytes: quota,
  /** 0: for ever. */
  retentionMaxAgeDays: z.number().min(0).max(36_500),
  /** 0: unlimited. */
  retentionMaxRecords: z.int().min(0).max(most),
  /** What its sandboxes get unless their action asks for something else. */
  sandbox: parsed((value) => parseSandboxAsk(value, 'sandbox', outOfRange)),
  /** What its sandboxes may reach, and the most that an action may ask for. */
  egress: parsed(parseEgress),
};
const stored = z.object(fields).partial();

/** A namespace's own limits. For absent ones, the system's apply. */
export type NamespaceLimitValues = z.infer<typeof stored>;
type NamespaceLimitName = keyof NamespaceLimitValues;

/** A change of limits: `null` returns to the system's, absent leaves the limit unchanged. */
export type NamespaceLimitsPatch = {
  readonly [Name in NamespaceLimitName]?: NamespaceLimitValues[Name] | null;
};

/** The range for each of a namespace's own limits, and which limit must not exceed which. */
const pairs: readonly (readonly [
  min: NamespaceLimitName & keyof UserLimits,
  max: NamespaceLimitName & keyof UserLimits,
  range: (system: SystemLimits) => Range,
])[] = [
  ['minActionMemory', 'maxActionMemory', ({ memoryMiB }) => memoryMiB],
  ['minActionTimeout', 'maxActionTimeout', ({ timeoutMs }) => timeoutMs],
  ['minActionLogs', 'maxActionLogs', ({ logMiB }) => logMiB],
  ['minActionConcurrency', 'maxActionConcurrency', ({ concurrency }) => concurrency],
];

/** Parses stored limits. @throws Fault STORED_ENTITY_CORRUPT */
export function parseStoredLimits(limits: JsonObject): NamespaceLimitValues {
  const parsed = stored.safeParse(limits);
  if (parsed.success) return parsed.data;
  throw functionFault('STORED_ENTITY_CORRUPT', 'Resource is corrupted and cannot be read.', {
    cause: parsed.error,
  });
}

/** @throws Fault LIMIT_OUT_OF_RANGE for a value that is invalid or beyond the system's */
export function patchLimits(
  system: SystemLimits,
  own: NamespaceLimitValues,
  patch: NamespaceLimitsPatch,
): NamespaceLimitValues {
  const merged = Object.entries({ ...own, ...withoutUndefined(patch) });
  const parsed = stored.safeParse(Object.fromEntries(merged.filter(([, value]) => value !== null)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw outOfRange(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  checkPairs(system, parsed.data);
  return parsed.data;
}

/** The system's limits, replaced by the namespace's own where it has some, but never exceeded. */
export function userLimits(system: SystemLimits, own: NamespaceLimitValues): UserLimits {
  const { memoryMiB, timeoutMs, logMiB, concurrency } = system;
  const concurrentInvocations = own.concurrentInvocations ?? system.concurrentInvocations;
  return {
    invocationsPerMinute: own.invocationsPerMinute ?? system.invocationsPerMinute,
    concurrentInvocations,
    firesPerMinute: own.firesPerMinute ?? system.firesPerMinute,
    ...(own.allowedKinds === undefined ? {} : { allowedKinds: own.allowedKinds }),
    ...(own.storeActivations === undefined ? {} : { storeActivations: own.storeActivations }),
    maxParameterSize: sizeText(system.parametersBytes),
    minActionMemory: clamp(own.minActionMemory ?? memoryMiB.min, memoryMiB),
    maxActionMemory: clamp(own.maxActionMemory ?? memoryMiB.max, memoryMiB),
    minActionTimeout: clamp(own.minActionTimeout ?? timeoutMs.min, timeoutMs),
    maxActionTimeout: clamp(own.maxActionTimeout ?? timeoutMs.max, timeoutMs),
    minActionLogs: clamp(own.minActionLogs ?? logMiB.min, logMiB),
    maxActionLogs: clamp(own.maxActionLogs ?? logMiB.max, logMiB),
    minActionConcurrency: clamp(own.minActionConcurrency ?? concurrency.min, concurrency),
    maxActionConcurrency: clamp(own.maxActionConcurrency ?? concurrency.max, concurrency),
    maxActionInstances: own.maxActionInstances ?? concurrentInvocations,
    codeQuotaBytes: own.codeQuotaBytes ?? system.codeQuotaBytes,
    recordQuotaBytes: own.recordQuotaBytes ?? system.recordQuotaBytes,
    registryQuotaBytes: own.registryQuotaBytes ?? system.registryQuotaBytes,
    ...sandboxOf(own),
  };
}

function sandboxOf({ sandbox, egress }: NamespaceLimitValues): Pick<UserLimits, 'sandbox'> {
  if (sandbox === undefined && egress === undefined) return {};
  return { sandbox: { ...sandbox, ...(egress === undefined ? {} : { egress }) } };
}

function checkPairs(system: SystemLimits, own: NamespaceLimitValues): void {
  const effective = userLimits(system, own);
  for (const [min, max, rangeOf] of pairs) {
    const range = rangeOf(system);
    for (const name of [min, max]) {
      const value = own[name];
      if (typeof value === 'number' && (value < range.min || value > range.max)) {
        throw outOfRange(`${name}: ${value} is not in the system's range of ${range.min} to ${range.max}`);
      }
    }
    if (Number(effective[min]) > Number(effective[max])) {
      throw outOfRange(`${min}: ${effective[min]} is more than ${max}, which is ${effective[max]}`);
    }
  }
}

function outOfRange(message: string) {
  return functionFault('LIMIT_OUT_OF_RANGE', message);
}

function withoutUndefined(patch: object): object {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
}

const mebibyte = 1024 * 1024;

/** OpenWhisk's notation: `1 MB` is 1048576 bytes. */
function sizeText(bytes: number): string {
  return bytes % mebibyte === 0 ? `${bytes / mebibyte} MB` : `${bytes} B`;
}
