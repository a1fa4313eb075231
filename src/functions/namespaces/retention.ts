/**
 * Retention: deletes records of activations by age and by number, per namespace, and code that no entity names any
 * more. A sweep works in small steps and pauses after each for as long as it took, so it takes at most half of the
 * store's time, however much it deletes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import type { LeasedWrites, NamespaceRow, PruneRule, Store } from '../../store/index.ts';
import { forgetOldSlots } from './call-figures.ts';
import { egressKeptDays } from './egress-targets.ts';
import { parseStoredLimits } from './namespace-limits.ts';
import { dayOf, usageKeptDays } from './usage.ts';

/** The rule for a namespace without limits of its own. */
interface RetentionRule {
  /** 0: for ever. */
  readonly maxAgeDays: number;
  /** 0: unlimited. */
  readonly maxRecordsPerNamespace: number;
}

export interface RetentionOptions {
  readonly store: Pick<Store, 'namespaces' | 'activations' | 'usage' | 'usageSlots' | 'egress'>;
  readonly config: RetentionRule & { readonly everyMinutes: number };
  /** Removes code that no entity names, and returns how many blobs it removed. */
  readonly sweepCode: () => Promise<number>;
  /**
   * When several servers use the store: the records, for the one whose turn it is. Absent: there is no other server.
   */
  readonly turn?: () => Promise<LeasedWrites['activations'] | undefined>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export interface Retention extends AsyncDisposable {
  /** Starts sweeps at regular intervals. */
  start(): void;
  /**
   * Sweeps every namespace once, and returns how many records were deleted. Trouble with one namespace is logged and
   * does not affect others.
   */
  sweep(): Promise<number>;
  /** Ends the current sweep after its step. */
  close(): Promise<void>;
}

const dayMs = 24 * 60 * 60 * 1000;
/** After a start, other work comes first, but a Ward that is often restarted must sweep, too. */
const firstAfterMs = 30_000;
/** Records per step. */
const stepSize = 250;
const shortestRestMs = 5;

export function createRetention(options: RetentionOptions): Retention {
  const { store, config, log } = options;
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<unknown> = Promise.resolve();

  const sweep = async (): Promise<number> => {
    const activations = options.turn === undefined ? store.activations : await options.turn();
    const total = activations === undefined ? 0 : await pruneAll(activations, options, ending.signal);
    if (ending.signal.aborted) return total;
    const now = (options.now ?? Date.now)();
    const today = dayOf(now);
    await store.usage.forget(today - usageKeptDays);
    await inSteps(() => store.egress.forget(today - egressKeptDays, stepSize), ending.signal);
    await inSteps(() => forgetOldSlots(store.usageSlots, now, stepSize), ending.signal);
    if (ending.signal.aborted) return total;
    await options.sweepCode();
    return total;
  };
  const sweepAndPlan = async (): Promise<void> => {
    try {
      const records = await sweep();
      if (records > 0) log.info({ records }, 'pruned records of activations');
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'a sweep for old records failed');
    }
    if (!ending.signal.aborted) plan(config.everyMinutes * 60_000);
  };
  const plan = (afterMs: number) => {
    timer = setTimeout(() => {
      underWay = sweepAndPlan();
    }, afterMs);
    timer.unref();
  };
  const close = async () => {
    ending.abort();
    clearTimeout(timer);
    await underWay;
  };
  return {
    sweep,
    start: () => plan(Math.min(firstAfterMs, config.everyMinutes * 60_000)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function pruneAll(
  activations: LeasedWrites['activations'],
  options: RetentionOptions,
  signal: AbortSignal,
): Promise<number> {
  let total = 0;
  for (const row of await options.store.namespaces.list()) {
    try {
      total += await prune(activations, options, row, signal);
    } catch (error) {
      if (signal.aborted || isFault(error, 'STORE_LEASE_LOST')) return total;
      options.log.error({ namespace: row.name, reason: messageOf(error) }, 'records could not be pruned');
    }
  }
  return total;
}

async function prune(
  activations: LeasedWrites['activations'],
  { config, now = Date.now }: RetentionOptions,
  row: NamespaceRow,
  signal: AbortSignal,
): Promise<number> {
  const rule = ruleOf(row, config, now());
  if (rule.before === undefined && rule.keep === undefined) return 0;
  return await inSteps(() => activations.prune(rule), signal);
}

/** @param step deletes some, and returns their number; 0: none are left */
async function inSteps(step: () => Promise<number>, signal: AbortSignal): Promise<number> {
  let total = 0;
  while (!signal.aborted) {
    const startedAt = performance.now();
    const gone = await step();
    if (gone === 0) break;
    total += gone;
    // An end is no error: what is left waits for the next sweep.
    await sleep(Math.max(shortestRestMs, performance.now() - startedAt), undefined, { signal }).catch(
      () => {},
    );
  }
  return total;
}

function ruleOf({ name, limits }: NamespaceRow, usual: RetentionRule, now: number): PruneRule {
  const own = parseStoredLimits(limits);
  const days = own.retentionMaxAgeDays ?? usual.maxAgeDays;
  const records = own.retentionMaxRecords ?? usual.maxRecordsPerNamespace;
  return {
    namespace: name,
    max: stepSize,
    ...(days === 0 ? {} : { before: now - days * dayMs }),
    ...(records === 0 ? {} : { keep: records }),
  };
}
