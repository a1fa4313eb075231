/** How many sandboxes an action has, from its annotations and limits. */
import type { Scaling } from '../../dispatch/index.ts';
import { type KeyValue, valueFor } from '../entities/key-values.ts';
import { malformed } from '../faults.ts';
import type { ActionLimitsDocument } from './action.ts';

const mostWarm = 100;

/** Reads the annotations `fresh` and `min-warm` and the limit `instances`. Undefined if none is set. */
export function scalingOf(
  annotations: readonly KeyValue[],
  limits: Pick<ActionLimitsDocument, 'instances'>,
): Scaling | undefined {
  const fresh = valueFor(annotations, 'fresh') === true;
  const minWarm = valueFor(annotations, 'min-warm');
  const isWarm = typeof minWarm === 'number' && minWarm > 0;
  if (!fresh && !isWarm && limits.instances === undefined) return undefined;
  return {
    ...(fresh ? { fresh } : {}),
    ...(isWarm ? { minWarm } : {}),
    ...(limits.instances === undefined ? {} : { maxInstances: limits.instances }),
  };
}

/** @throws Fault BODY_INVALID when the annotations are invalid or contradict each other */
export function checkScaling(annotations: readonly KeyValue[], limits: ActionLimitsDocument): void {
  const fresh = valueFor(annotations, 'fresh');
  if (fresh !== undefined && typeof fresh !== 'boolean')
    throw malformed("the annotation 'fresh' must be a boolean");
  const minWarm = valueFor(annotations, 'min-warm') ?? 0;
  const most = Math.min(mostWarm, limits.instances ?? mostWarm);
  if (typeof minWarm !== 'number' || !Number.isInteger(minWarm) || minWarm < 0 || minWarm > most) {
    throw malformed(`the annotation 'min-warm' must be a whole number from 0 to ${most}`);
  }
  if (fresh === true && minWarm > 0) throw malformed("'fresh' and 'min-warm' exclude each other");
  if (fresh === true && limits.concurrency > 1)
    throw malformed("'fresh' and a concurrency above 1 exclude each other");
}
