/**
 * Removes what nothing needs any more: pushed content, and code. Content in the data folder is this server's alone, so
 * it sweeps that itself. Of content that several servers share, only the one whose turn it is removes something.
 */

interface ContentSweepOptions {
  /** Content in a store that several servers share. */
  readonly isShared: boolean;
  /** Whether this server does the work of which one server is enough. */
  readonly isTurn: () => Promise<boolean>;
  /** Holds namespaces to their quotas of records. */
  readonly enforceQuotas: () => Promise<unknown>;
  readonly sweepPushed: () => Promise<unknown>;
  /** Snapshots of advisories, which only servers that share their content have. */
  readonly sweepAdvisories: () => Promise<void>;
  /** Returns the number of removed blobs. */
  readonly sweepCode: () => Promise<number>;
}

/** Returns a sweep, to be called regularly. It returns the number of removed blobs of code. */
export function createContentSweep(options: ContentSweepOptions): () => Promise<number> {
  const { isShared, isTurn, enforceQuotas, sweepPushed, sweepAdvisories, sweepCode } = options;
  return async () => {
    const isMine = await isTurn();
    if (isMine) await enforceQuotas();
    if (isShared && !isMine) return 0;
    const [pushed, advisories, code] = await Promise.allSettled([
      sweepPushed(),
      sweepAdvisories(),
      sweepCode(),
    ]);
    // Trouble with one of them must not keep the others.
    if (pushed.status === 'rejected') throw pushed.reason;
    if (advisories.status === 'rejected') throw advisories.reason;
    if (code.status === 'rejected') throw code.reason;
    return code.value;
  };
}
