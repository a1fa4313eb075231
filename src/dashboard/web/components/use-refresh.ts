/** Loads again from time to time, while somebody looks. */
import { useEffect } from 'preact/hooks';

export function useRefresh(reload: () => void, everyMs: number): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, everyMs);
    return () => clearInterval(timer);
  });
}
