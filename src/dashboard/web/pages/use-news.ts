/** Loads again when the server tells operators that what a page shows has changed. */
import { useEffect, useRef } from 'preact/hooks';
import { followTogether } from '../api/shared-stream.ts';

/**
 * @param of `calls`, `nodes`, `violations`, or `records` of a namespace
 * @param reload with the name of the event: one of these, or `begin`
 */
export function useNews(of: readonly string[], reload: (event: string) => void, namespace?: string): void {
  const latest = useRef({ of, reload });
  latest.current = { of, reload };
  useEffect(() => {
    return followTogether({
      path: `/ward/v1/operator/stream${namespace === undefined ? '' : `?namespace=${encodeURIComponent(namespace)}`}`,
      onEvent(event) {
        // Nothing tells what came before its begin.
        if (event === 'begin' || latest.current.of.includes(event)) latest.current.reload(event);
      },
    });
  }, [namespace]);
}
