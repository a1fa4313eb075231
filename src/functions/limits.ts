/**
 * What an action, a request and a namespace may use at most. The system's limits are OpenWhisk's defaults
 * and an operator's configuration; a namespace may have its own rates within them.
 */
import { z } from 'zod';
import type { JsonObject } from '../lib/index.ts';
import { functionFault } from './faults.ts';

export interface Range {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

export interface SystemLimits {
  readonly timeoutMs: Range;
  readonly memoryMiB: Range;
  readonly logMiB: Range;
  /** Activations that one sandbox may run at once. */
  readonly concurrency: Range;
  /** Of `exec`: the text as sent, so base64 counts in full. */
  readonly codeBytes: number;
  /** Of all parameters, and of all annotations, of one entity. */
  readonly parametersBytes: number;
  readonly payloadBytes: number;
  readonly resultBytes: number;
  readonly list: { readonly default: number; readonly max: number };
  /** How long a blocking invocation holds its caller. */
  readonly blockingWaitMs: number;
  readonly sequenceLength: number;
  readonly invocationsPerMinute: number;
  readonly concurrentInvocations: number;
  readonly firesPerMinute: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: SystemLimits = {
  timeoutMs: { min: 100, max: 300_000, default: 60_000 },
  memoryMiB: { min: 128, max: 512, default: 256 },
  logMiB: { min: 0, max: 10, default: 10 },
  concurrency: { min: 1, max: 500, default: 1 },
  codeBytes: 48 * mebibyte,
  parametersBytes: mebibyte,
  payloadBytes: mebibyte,
  resultBytes: mebibyte,
  list: { default: 30, max: 200 },
  blockingWaitMs: 60_000,
  sequenceLength: 50,
  invocationsPerMinute: 60,
  concurrentInvocations: 30,
  firesPerMinute: 60,
};

/** A namespace's own rates; what is absent is the system's. */
export interface NamespaceRates {
  readonly invocationsPerMinute?: number | undefined;
  readonly concurrentInvocations?: number | undefined;
  readonly firesPerMinute?: number | undefined;
}

/** A change of rates: `null` goes back to the system's, absent leaves as it is. */
export interface NamespaceRatesPatch {
  readonly invocationsPerMinute?: number | null | undefined;
  readonly concurrentInvocations?: number | null | undefined;
  readonly firesPerMinute?: number | null | undefined;
}

/** The limits of one namespace, complete, as `GET /namespaces/{ns}/limits` answers them. */
export type UserLimits = {
  readonly invocationsPerMinute: number;
  readonly concurrentInvocations: number;
  readonly firesPerMinute: number;
  readonly maxParameterSize: string;
  readonly minActionMemory: number;
  readonly maxActionMemory: number;
  readonly minActionTimeout: number;
  readonly maxActionTimeout: number;
  readonly minActionLogs: number;
  readonly maxActionLogs: number;
  readonly minActionConcurrency: number;
  readonly maxActionConcurrency: number;
};

const rate = z.int().min(0).max(1_000_000_000);
const storedRates = z.object({
  invocationsPerMinute: rate.optional(),
  concurrentInvocations: rate.optional(),
  firesPerMinute: rate.optional(),
});

/** Reads the rates that the store keeps. @throws Fault STORED_ENTITY_CORRUPT */
export function parseStoredRates(limits: JsonObject): NamespaceRates {
  const parsed = storedRates.safeParse(limits);
  if (parsed.success) return parsed.data;
  throw functionFault('STORED_ENTITY_CORRUPT', 'Resource is corrupted and cannot be read.', {
    cause: parsed.error,
  });
}

/** @throws Fault LIMIT_OUT_OF_RANGE for a rate that is not a whole number of at least 0 */
export function patchRates(rates: NamespaceRates, patch: NamespaceRatesPatch): NamespaceRates {
  const next: Record<string, number> = {};
  for (const name of ['invocationsPerMinute', 'concurrentInvocations', 'firesPerMinute'] as const) {
    const wanted = patch[name] === undefined ? rates[name] : patch[name];
    if (wanted === null || wanted === undefined) continue;
    if (!rate.safeParse(wanted).success) {
      throw functionFault('LIMIT_OUT_OF_RANGE', `${name} ${wanted} is not a whole number of at least 0`);
    }
    next[name] = wanted;
  }
  return next;
}

export function userLimits(system: SystemLimits, rates: NamespaceRates): UserLimits {
  return {
    invocationsPerMinute: rates.invocationsPerMinute ?? system.invocationsPerMinute,
    concurrentInvocations: rates.concurrentInvocations ?? system.concurrentInvocations,
    firesPerMinute: rates.firesPerMinute ?? system.firesPerMinute,
    maxParameterSize: sizeText(system.parametersBytes),
    minActionMemory: system.memoryMiB.min,
    maxActionMemory: system.memoryMiB.max,
    minActionTimeout: system.timeoutMs.min,
    maxActionTimeout: system.timeoutMs.max,
    minActionLogs: system.logMiB.min,
    maxActionLogs: system.logMiB.max,
    minActionConcurrency: system.concurrency.min,
    maxActionConcurrency: system.concurrency.max,
  };
}

/** OpenWhisk's notation: `1 MB` is 1048576 bytes. */
function sizeText(bytes: number): string {
  return bytes % mebibyte === 0 ? `${bytes / mebibyte} MB` : `${bytes} B`;
}
