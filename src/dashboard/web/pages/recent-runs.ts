/** How each function of a list did in the last day. It asks for one after the other, as rows come into view. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { byHour, durationsOf, firstHour, type Hour, quantile } from '../api/hours.ts';
import { listRuns, type RunSummary } from '../api/runs.ts';

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

export function useRecentRuns(): RecentRuns {
  const [known, setKnown] = useState<ReadonlyMap<string, Recent>>(new Map());
  const queue = useRef({ paths: new Set<string>(), asked: new Set<string>(), isBusy: false });
  const gone = useRef(new AbortController());
  const work = async (signal: AbortSignal) => {
    const { current } = queue;
    if (current.isBusy) return;
    current.isBusy = true;
    for (const path of current.paths) {
      current.paths.delete(path);
      const recent = await recentOf(path, signal).catch(() => undefined);
      if (signal.aborted) break;
      if (recent !== undefined) setKnown((before) => new Map(before).set(path, recent));
    }
    current.isBusy = false;
  };
  useEffect(() => () => gone.current.abort(), []);
  useEffect(() => void work(gone.current.signal));
  return (path) => {
    const { paths, asked } = queue.current;
    if (!asked.has(path)) {
      asked.add(path);
      paths.add(path);
    }
    return known.get(path);
  };
}

async function recentOf(name: string, signal: AbortSignal): Promise<Recent> {
  const now = Date.now();
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
