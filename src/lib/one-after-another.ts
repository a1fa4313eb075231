/**
 * Returns a function that runs `work` once at a time, so that a slow read never replaces what a later one has found. It resolves
 * when a run has ended that began after its call; calls that come meanwhile share that run.
 */
export function oneAfterAnother(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    next = undefined;
    const mine = work().finally(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return mine;
  };
  return () => {
    if (running === undefined) return start();
    // The one that runs may have read before the change.
    next ??= running.then(start, start);
    return next;
  };
}
