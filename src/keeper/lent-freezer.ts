/**
 * The files that freeze a sandbox, which the keeper lends when they are first needed. Meanwhile the sandbox may be wanted
 * again, or be at its end: whatever was wished last holds, or a call would stand still, and a killed sandbox never die.
 */
import type { Cgroup } from '../sandbox/index.ts';

interface LentFreezer {
  /** Nothing happens when the sandbox is thawed, or released, before the files are there. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** The sandbox is about to end: it is not frozen any more. */
  release(): void;
}

/** @param lend false: they are not there yet, so there is nothing to be frozen */
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
