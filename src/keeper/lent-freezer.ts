/**
 * Freezes a sandbox with files that the keeper lends when they are first needed. The sandbox may be needed again, or be
 * about to end, before they arrive. So the last request counts: otherwise a call would stand still, or a killed sandbox
 * would never die.
 */
import type { Cgroup } from '../sandbox/index.ts';

interface LentFreezer {
  /** Does nothing if the sandbox is thawed or released before the files arrive. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Prevents any further freezing, because the sandbox is about to end. */
  release(): void;
}

/** @param lend Resolves to false while the files do not exist; then there is nothing to freeze. */
export function openLentFreezer(
  lend: () => Promise<boolean>,
  cgroup: Pick<Cgroup, 'freeze' | 'thaw'>,
): LentFreezer {
  let lending: Promise<boolean> | undefined;
  let isWished = false;
  let isReleased = false;
  return {
    async freeze() {
      isWished = true;
      lending = lend();
      if ((await lending) && isWished && !isReleased) await cgroup.freeze();
    },
    async thaw() {
      isWished = false;
      if (lending === undefined) return;
      if ((await lending) && !isWished) await cgroup.thaw();
    },
    release() {
      isReleased = true;
    },
  };
}
