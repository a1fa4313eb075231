/** Loads what a page shows, and loads it again when what it depends on changes. */
import { useCallback, useEffect, useState } from 'preact/hooks';

export interface Loaded<T> {
  /** The last answer for the key, also while the next one is on its way, and when that one fails. */
  readonly data: T | undefined;
  readonly error: unknown;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** @param key changes when something else is to be loaded */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Loaded<T> {
  const [state, setState] = useState<{ key?: string; data?: T; error?: unknown; isLoading: boolean }>({
    isLoading: true,
  });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  useEffect(() => {
    const gone = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    load(gone.signal).then(
      (data) => gone.signal.aborted || setState({ key, data, isLoading: false }),
      (error: unknown) =>
        gone.signal.aborted ||
        setState(({ key: keyBefore, data }) => ({
          ...(keyBefore === key && data !== undefined ? { data } : {}),
          ...{ key, error, isLoading: false },
        })),
    );
    return () => gone.abort();
  }, [key, round]);
  const isOfKey = state.key === key;
  return {
    data: isOfKey ? state.data : undefined,
    error: isOfKey ? state.error : undefined,
    isLoading: state.isLoading,
    reload,
  };
}

/** @param news loads again when it grows; 0 at first */
export function useReload({ reload }: Pick<Loaded<unknown>, 'reload'>, news: number): void {
  useEffect(() => {
    if (news > 0) reload();
  }, [news]);
}
