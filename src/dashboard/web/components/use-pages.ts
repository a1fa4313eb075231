/** Pages of a long list: loads those that are visible, and keeps them while nothing changes. */
import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isTouched } from './held.tsx';

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
  /** As `refresh`; but while the reader points at the list, has the focus in it, or has scrolled it, it only counts what is new. */
  readonly hear: () => void;
  /** How many new rows are held back. */
  readonly waiting: number;
  /** What the list is in. */
  readonly heldBy: RefObject<HTMLDivElement | null>;
}

/** More than any screen shows, and few enough for the memory of a browser. */
const mostKept = 50;

interface ListState<Row> {
  /** Loaded ones by their number, the latest last. */
  readonly pages: Map<number, readonly Row[]>;
  /** Numbers of those that are not to be asked for again. */
  readonly fresh: Set<number>;
  visible: readonly [first: number, last: number];
  /** Rows of the list that is shown. */
  count: number;
  /** Rows that Ward has above the first one of the list. */
  above: number;
  isBusy: boolean;
}

/**
 * Asks for one page at a time, and always for one that is visible then: a long scroll leaves out what it passes.
 * @param key changes when another list is to be shown
 */
export function usePages<Row>(source: PageSource<Row>, key: string): Pages<Row> {
  const { pageSize } = source;
  const [count, setCount] = useState<number>();
  const [error, setError] = useState<unknown>();
  const [waiting, setWaiting] = useState(0);
  const heldBy = useRef<HTMLDivElement>(null);
  const [, setRound] = useState(0);
  const state = useRef(newState<Row>());
  const latest = useRef(source);
  latest.current = source;
  const gone = useRef(new AbortController());

  const load = useCallback(async () => {
    const { signal } = gone.current;
    const list = state.current;
    if (list.isBusy) return;
    list.isBusy = true;
    let at = nextPage(list, pageSize);
    try {
      for (; at !== undefined; at = nextPage(list, pageSize)) {
        list.fresh.add(at);
        keep(list, at, await latest.current.page(list.above + at * pageSize, pageSize, signal));
        if (signal.aborted) return;
        setRound((round) => round + 1);
      }
    } catch (failure) {
      if (at !== undefined) list.fresh.delete(at);
      if (!signal.aborted) setError(failure);
    } finally {
      list.isBusy = false;
    }
  }, [pageSize]);

  const refresh = useCallback(async () => {
    const { signal } = gone.current;
    try {
      const now = await latest.current.count(signal);
      if (signal.aborted) return;
      state.current.fresh.clear();
      state.current.count = now;
      state.current.above = 0;
      setWaiting(0);
      setError(undefined);
      setCount(now);
      await load();
    } catch (failure) {
      if (!signal.aborted) setError(failure);
    }
  }, [load]);

  const hear = async () => {
    if (state.current.count === 0 || !isTouched(heldBy.current)) return await refresh();
    const { signal } = gone.current;
    try {
      const now = await latest.current.count(signal);
      if (signal.aborted) return;
      const more = Math.max(0, now - state.current.count);
      state.current.above = more;
      setWaiting(more);
      setError(undefined);
    } catch (failure) {
      if (!signal.aborted) setError(failure);
    }
  };

  useEffect(() => {
    gone.current = new AbortController();
    state.current = newState();
    setCount(undefined);
    setWaiting(0);
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
    hear: () => void hear(),
    ...{ waiting, heldBy },
  };
}

function newState<Row>(): ListState<Row> {
  return { pages: new Map(), fresh: new Set(), visible: [0, 0], count: 0, above: 0, isBusy: false };
}

/** The number of the first visible page that is to be asked for. */
function nextPage({ visible, fresh }: ListState<unknown>, pageSize: number): number | undefined {
  const [first, last] = visible.map((index) => Math.floor(index / pageSize));
  for (let at = first ?? 0; at <= (last ?? 0); at++) if (!fresh.has(at)) return at;
  return undefined;
}

function keep<Row>({ pages, fresh }: ListState<Row>, at: number, rows: readonly Row[]): void {
  pages.delete(at);
  pages.set(at, rows);
  const [oldest] = pages.keys();
  if (pages.size <= mostKept || oldest === undefined) return;
  pages.delete(oldest);
  fresh.delete(oldest);
}
