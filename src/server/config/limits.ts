/** The system's limits: the defaults, changed by the operator's configuration. */
import { defaultLimits, type Range, type Span, type SystemLimits } from '../../functions/index.ts';
import { serverFault } from '../faults.ts';
import type { Config } from './config.ts';

const ranges = ['timeoutMs', 'memoryMiB', 'logMiB', 'concurrency'] as const;
const spans = ['cpus', 'diskMiB'] as const;
const numbers = [
  'codeBytes',
  'parametersBytes',
  'payloadBytes',
  'resultBytes',
  'sequenceLength',
  'invocationsPerMinute',
  'concurrentInvocations',
  'firesPerMinute',
  'blockingWaitMs',
  'codeQuotaBytes',
  'recordQuotaBytes',
  'registryQuotaBytes',
] as const;

/** @throws Fault CONFIG_INVALID for a range that is empty or does not contain its default */
export function systemLimits({ limits }: Pick<Config, 'limits'>): SystemLimits {
  const changed: { -readonly [Name in keyof SystemLimits]?: SystemLimits[Name] } = {};
  for (const name of numbers) changed[name] = limits[name] ?? defaultLimits[name];
  for (const name of ranges) changed[name] = rangeOf(name, limits[name], defaultLimits[name]);
  for (const name of spans) {
    const { min = defaultLimits[name].min, max = defaultLimits[name].max } = limits[name] ?? {};
    if (min > max) throw invalid(`limits.${name}: ${min} ≤ ${max} does not hold`, 'set min and max together');
    changed[name] = { min, max };
  }
  return { ...defaultLimits, ...changed, list: listOf(limits.list) };
}

type Given<T extends Span> = { readonly [Name in keyof T]?: number | undefined } | undefined;

function rangeOf(name: string, given: Given<Range>, usual: Range): Range {
  const { min = usual.min, max = usual.max, default: value = usual.default } = given ?? {};
  if (min <= value && value <= max) return { min, max, default: value };
  const problem = `limits.${name}: ${min} ≤ ${value} ≤ ${max} does not hold`;
  throw invalid(problem, 'set min, max and default together');
}

function listOf(given: Config['limits']['list']): SystemLimits['list'] {
  const { default: value = defaultLimits.list.default, max = defaultLimits.list.max } = given ?? {};
  if (value <= max) return { default: value, max };
  throw invalid(`limits.list: ${value} ≤ ${max} does not hold`, 'set default and max together');
}

function invalid(message: string, hint: string) {
  return serverFault('CONFIG_INVALID', message, { hint });
}
