/**
 * The files that freeze a sandbox, which the keeper lends when they are first needed. Meanwhile the sandbox may be wanted
 * again, or be at its end: whatever was wished last holds, or a call would stand still, and a killed sandbox never die.
 */
import type { Cgroup } from '../sandbox/index.ts';

export interface LentFreezer {
  /** Nothing happens when the sandbox is thawed, or released, before the files are there. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** The sandbox is about to end: it is not frozen any more. */
  release(): void;
}

export function openLentFreezer(
  lend: () => Promise<unknown>,
  cgroup: Pick<Cgroup, 'freeze' | 'thaw'>,
): LentFreezer {
  let lending: Promise<unknown> | undefined;
  let isWished = false;
  let isReleased = false;
  return {
    async freeze() {
      isWished = true;
      lending ??= lend();
      await lending;
      if (isWished && !isReleased) await cgroup.freeze();
    },
    async thaw() {
      isWished = false;
      if (lending === undefined) return;
      await lending;
      if (!isWished) await cgroup.thaw();
    },
    release() {
      isReleased = true;
    },
  };
}
