/**
 * Retention: records of activations go by age and by number, per namespace, and code that nothing names any more goes
 * too. A sweep works in small steps and rests as long after each as it took, so that it takes half of the store's time
 * at most, however much is to go.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, messageOf } from '../../lib/index.ts';
import type { NamespaceRow, PruneRule, Store } from '../../store/index.ts';
import { parseStoredLimits } from './namespace-limits.ts';

/** What holds for a namespace that has nothing of its own. */
interface RetentionRule {
  /** 0 is for ever. */
  readonly maxAgeDays: number;
  /** 0 is all of them. */
  readonly maxRecordsPerNamespace: number;
}

export interface RetentionOptions {
  readonly store: Pick<Store, 'namespaces' | 'activations'>;
  readonly config: RetentionRule & { readonly everyMinutes: number };
  /** Removes code that nothing names, and says how much that was. */
  readonly sweepCode: () => Promise<number>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export interface Retention extends AsyncDisposable {
  /** From now on, every so often. */
  start(): void;
  /** Once, for every namespace; says how many records went. One namespace's trouble is logged, and is no other's. */
  sweep(): Promise<number>;
  /** Ends a sweep that is under way after its step. */
  close(): Promise<void>;
}

const dayMs = 24 * 60 * 60 * 1000;
/** After a start, other work comes first; but a Ward that is restarted often must come to it too. */
const firstAfterMs = 30_000;
/** Records in one step. */
const stepSize = 250;
const shortestRestMs = 5;

export function createRetention(options: RetentionOptions): Retention {
  const { store, config, log } = options;
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<unknown> = Promise.resolve();

  const sweep = async (): Promise<number> => {
    let total = 0;
    for (const row of await store.namespaces.list()) {
      try {
        total += await prune(options, row, ending.signal);
      } catch (error) {
        if (ending.signal.aborted) return total;
        log.error({ namespace: row.name, reason: messageOf(error) }, 'records could not be pruned');
      }
    }
    if (!ending.signal.aborted) await options.sweepCode();
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

async function prune(
  { store, config, now = Date.now }: RetentionOptions,
  row: NamespaceRow,
  signal: AbortSignal,
): Promise<number> {
  const rule = ruleOf(row, config, now());
  if (rule.before === undefined && rule.keep === undefined) return 0;
  let total = 0;
  while (!signal.aborted) {
    const startedAt = performance.now();
    const gone = await store.activations.prune(rule);
    if (gone === 0) break;
    total += gone;
    await sleep(Math.max(shortestRestMs, performance.now() - startedAt), undefined, { signal });
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
