/**
 * How each function of a list did in the last day. It asks for one after the other, as rows come into view. After a
 * long scroll it leaves out those that are gone again.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { byHour, durationsOf, firstHour, type Hour, quantile } from '../api/hours.ts';
import { listRuns, type RunSummary } from '../api/runs.ts';
import { serverNow } from '../api/server-clock.ts';

export interface Recent {
  /** Null: no record is kept. */
  readonly last: RunSummary | null;
  readonly hours: readonly Hour[];
  /** Calls of the day that were counted; `isCut`: there were more. */
  readonly calls: number;
  readonly isCut: boolean;
  /** Milliseconds. */
  readonly p99: number;
}

/** Undefined: it is on its way. */
export type RecentRuns = (path: string) => Recent | undefined;

/** More would make a long list slow. */
const mostRuns = 100;

/** More rows than any screen shows. */
const mostWaiting = 150;

export function useRecentRuns(): RecentRuns {
  const [known, setKnown] = useState<ReadonlyMap<string, Recent>>(new Map());
  const queue = useRef({ waiting: new Set<string>(), asked: new Set<string>(), isBusy: false });
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);
  const work = async () => {
    const { signal } = gone.current;
    const { waiting, asked } = queue.current;
    // It also visits what is added meanwhile.
    for (const path of waiting) {
      waiting.delete(path);
      asked.add(path);
      const recent = await recentOf(path, signal).catch(() => undefined);
      if (signal.aborted) return;
      if (recent !== undefined) setKnown((before) => new Map(before).set(path, recent));
    }
    queue.current.isBusy = false;
  };
  const ask = (path: string) => {
    const { waiting, asked, isBusy } = queue.current;
    if (asked.has(path)) return;
    waiting.add(path);
    const [first] = waiting;
    if (waiting.size > mostWaiting && first !== undefined) waiting.delete(first);
    if (isBusy) return;
    queue.current.isBusy = true;
    // Called while a row is drawn, which must not wait for it.
    queueMicrotask(() => void work());
  };
  return (path) => {
    ask(path);
    return known.get(path);
  };
}

async function recentOf(name: string, signal: AbortSignal): Promise<Recent> {
  const now = serverNow();
  const filter = { name, failed: false };
  const day = { ...filter, since: firstHour(now) };
  const runs = await listRuns(day, { skip: 0, limit: mostRuns }, signal);
  const [last = null] =
    runs.length > 0 ? runs : await listRuns({ ...filter, since: undefined }, { skip: 0, limit: 1 }, signal);
  return {
    last,
    hours: byHour(runs, now),
    ...{ calls: runs.length, isCut: runs.length === mostRuns },
    p99: quantile(durationsOf(runs), 0.99),
  };
}
