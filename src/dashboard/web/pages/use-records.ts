/** Tells when the namespace has new records of runs. */
import { useEffect, useRef } from 'preact/hooks';
import { recordsStream } from '../api/runs.ts';
import { followTogether } from '../api/shared-stream.ts';

export function useRecords(onNews: () => void): void {
  const latest = useRef(onNews);
  latest.current = onNews;
  useEffect(() => {
    // What there was when the page was loaded.
    let isFirst = true;
    return followTogether({
      path: recordsStream,
      onEvent(event) {
        if (event !== 'total') return;
        if (!isFirst) latest.current();
        isFirst = false;
      },
    });
  }, []);
}
