/**
 * How actions did lately: their last calls, counted by the hour of the last day. There is no table of these figures: a
 * request reads the newest records of each action that it asks for, within bounds, and not their documents. Only the
 * error of the last one that failed is read whole.
 */
import { isJsonObject, KeyedLock, Turns } from '../../lib/index.ts';
import type { ActivationOutcome, ActivationRow, ActivationStore } from '../../store/index.ts';
import { type ErrorGroup, errorOf } from './error-groups.ts';

export interface ActionFigures {
  /** Null: no record is kept. */
  readonly last: ActivationOutcome | null;
  /** The last one that failed, of those read. Without `error` when the results of others were too large. */
  readonly lastError: (ActivationOutcome & Partial<Pick<ErrorGroup, 'fingerprint' | 'error'>>) | null;
  /** Of the last 24 hours, as far as they were read; `isCut`: there may be more. */
  readonly calls: number;
  readonly failed: number;
  readonly isCut: boolean;
  /** Milliseconds from start to end; null without calls. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Hours with calls, the oldest first. */
  readonly hours: readonly HourFigures[];
}

export interface HourFigures {
  /** Epoch milliseconds of its begin. */
  readonly at: number;
  readonly calls: number;
  readonly failed: number;
  readonly p99: number | null;
}

/** Of the actions with these paths, in their order. */
export type ReadActionFigures = (
  namespace: string,
  paths: readonly string[],
) => Promise<readonly ActionFigures[]>;

type Records = Pick<ActivationStore, 'get' | 'outcomes'>;

/** Calls of each action that are read. */
const mostCalls = 500;
/** Of all results together that are read for their error. */
const mostResultBytes = 8 * 1024 * 1024;
const mostAtOnce = 2;
const hourMs = 3_600_000;
const hoursShown = 24;

export function createActionFigures(records: Records): ReadActionFigures {
  const turns = new Turns(mostAtOnce);
  const ofNamespace = new KeyedLock();
  return (namespace, paths) =>
    ofNamespace.run(namespace, () => turns.take(() => readFigures(records, namespace, paths)));
}

async function readFigures(
  records: Records,
  namespace: string,
  paths: readonly string[],
): Promise<readonly ActionFigures[]> {
  const now = Date.now();
  const found: ActionFigures[] = [];
  for await (const outcomes of records.outcomes(namespace, paths, mostCalls))
    found.push(figuresOf(outcomes, now));
  let bytes = 0;
  for (const [at, figures] of found.entries()) {
    const { lastError } = figures;
    if (lastError === null || bytes >= mostResultBytes) continue;
    const row = await records.get(namespace, lastError.activationId);
    if (row === undefined) continue;
    bytes += resultBytes(row);
    found[at] = { ...figures, lastError: { ...lastError, ...errorOf(row) } };
  }
  return found;
}

function figuresOf(outcomes: readonly ActivationOutcome[], now: number): ActionFigures {
  const firstHour = Math.floor(now / hourMs) - (hoursShown - 1);
  const recent = outcomes.filter(({ start }) => start >= firstHour * hourMs);
  const byHour = Map.groupBy(recent, ({ start }) => Math.floor(start / hourMs));
  return {
    last: outcomes[0] ?? null,
    lastError: outcomes.find(isFailed) ?? null,
    calls: recent.length,
    failed: recent.filter(isFailed).length,
    isCut: recent.length === mostCalls,
    ...quantilesOf(recent),
    hours: [...byHour]
      .map(([hour, its]) => ({
        ...{ at: hour * hourMs, calls: its.length, failed: its.filter(isFailed).length },
        p99: quantilesOf(its).p99,
      }))
      .toReversed(),
  };
}

function isFailed({ statusCode }: ActivationOutcome): boolean {
  return statusCode !== 0;
}

function quantilesOf(outcomes: readonly ActivationOutcome[]): Pick<ActionFigures, 'p50' | 'p99'> {
  const sorted = outcomes
    .flatMap(({ start, end }) => (end === null ? [] : [end - start]))
    .sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? null;
  return { p50: at(0.5), p99: at(0.99) };
}

function resultBytes({ document: { response } }: ActivationRow): number {
  const size = isJsonObject(response) ? response['size'] : undefined;
  return typeof size === 'number' ? size : 0;
}
