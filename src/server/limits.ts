/** The system's limits: the defaults, with what the operator's configuration changes of them. */
import { defaultLimits, type Range, type SystemLimits } from '../functions/index.ts';
import type { Config } from './config.ts';
import { serverFault } from './faults.ts';

const ranges = ['timeoutMs', 'memoryMiB', 'logMiB', 'concurrency'] as const;

/** @throws Fault CONFIG_INVALID for a range that is empty or does not hold its default */
export function systemLimits(config: Pick<Config, 'limits'>): SystemLimits {
  const changed: Record<string, Range | number> = {};
  for (const [name, value] of Object.entries(config.limits))
    if (typeof value === 'number') changed[name] = value;
  for (const name of ranges) {
    const { min = defaultLimits[name].min, max = defaultLimits[name].max } = config.limits[name] ?? {};
    const usual = config.limits[name]?.default ?? defaultLimits[name].default;
    if (min > max || usual < min || usual > max) {
      throw serverFault('CONFIG_INVALID', `limits.${name}: ${min} ≤ ${usual} ≤ ${max} does not hold`, {
        hint: 'set min, max and default together',
      });
    }
    changed[name] = { min, max, default: usual };
  }
  return { ...defaultLimits, ...changed };
}
