/** Pages of a long list: loads those that are visible, and keeps them while nothing changes. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

interface PageSource<Row> {
  readonly count: (signal: AbortSignal) => Promise<number>;
  readonly page: (skip: number, limit: number, signal: AbortSignal) => Promise<readonly Row[]>;
  readonly pageSize: number;
}

export interface Pages<Row> {
  /** Undefined: not known yet. */
  readonly count: number | undefined;
  readonly error: unknown;
  readonly rowAt: (index: number) => Row | undefined;
  readonly onVisible: (first: number, last: number) => void;
  /** Asks again for what is visible. Rows that are shown stay until then. */
  readonly refresh: () => void;
}

/** @param key changes when another list is to be shown */
export function usePages<Row>(source: PageSource<Row>, key: string): Pages<Row> {
  const { pageSize } = source;
  const [count, setCount] = useState<number>();
  const [error, setError] = useState<unknown>();
  const [, setRound] = useState(0);
  const state = useRef({
    key,
    pages: new Map<number, readonly Row[]>(),
    fresh: new Set<number>(),
    visible: [0, 0],
  });
  const latest = useRef(source);
  latest.current = source;
  const gone = useRef(new AbortController());

  const load = useCallback(async () => {
    const { pages, fresh, visible } = state.current;
    const { signal } = gone.current;
    const [first = 0, last = 0] = visible.map((index) => Math.floor(index / pageSize));
    for (let at = first; at <= last; at++) {
      if (fresh.has(at)) continue;
      fresh.add(at);
      try {
        pages.set(at, await latest.current.page(at * pageSize, pageSize, signal));
      } catch (failure) {
        fresh.delete(at);
        if (!signal.aborted) setError(failure);
        return;
      }
      if (!signal.aborted) setRound((round) => round + 1);
    }
  }, [pageSize]);

  const refresh = useCallback(async () => {
    const { signal } = gone.current;
    try {
      const now = await latest.current.count(signal);
      if (signal.aborted) return;
      state.current.fresh.clear();
      setError(undefined);
      setCount(now);
      await load();
    } catch (failure) {
      if (!signal.aborted) setError(failure);
    }
  }, [load]);

  useEffect(() => {
    gone.current = new AbortController();
    state.current = { key, pages: new Map(), fresh: new Set(), visible: [0, 0] };
    setCount(undefined);
    void refresh();
    return () => gone.current.abort();
  }, [key, refresh]);

  return {
    count,
    error,
    rowAt: (index) => state.current.pages.get(Math.floor(index / pageSize))?.[index % pageSize],
    onVisible: useCallback(
      (first: number, last: number) => {
        state.current.visible = [first, last];
        void load();
      },
      [load],
    ),
    refresh: () => void refresh(),
  };
}
