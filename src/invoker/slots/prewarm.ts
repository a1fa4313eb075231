/** Blank slots kept ready per kind and memory size, so that a first call pays only for `init`. */
import type { Log } from '../../lib/index.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import type { Slot } from './slot.ts';
import type { SlotFactory } from './slots.ts';

export interface PrewarmTarget {
  readonly kind: string;
  readonly memoryMiB: number;
  readonly count: number;
}

export interface PrewarmPool {
  /** Number of ready blank slots. */
  readonly size: number;
  /** Takes a blank slot of exactly this kind and size. Its memory stays reserved until the caller gives it back. */
  take(kind: string, memoryMiB: number): { readonly slot: Slot; readonly giveBack: () => void } | undefined;
  /** Starts one missing slot, if memory is free. */
  replenish(): Promise<void>;
  /** Ends one blank slot to free its memory. False if there is none. */
  evictOne(): boolean;
  close(): Promise<void>;
}

/** Longest pause between tries to start a kind that fails; the pauses grow. */
const longestPauseMs = 60_000;

interface Blank {
  readonly slot: Slot;
  readonly giveBack: () => void;
}

export function createPrewarmPool(
  targets: readonly PrewarmTarget[],
  factory: Pick<SlotFactory, 'startBlank'>,
  ledger: MemoryLedger,
  log: Log,
): PrewarmPool {
  const blanks: Blank[] = [];
  let starting: Promise<void> | undefined;
  let failures = 0;
  let notBefore = 0;
  let closed = false;

  const missing = () =>
    targets.find((target) => blanks.filter((blank) => matches(blank.slot, target)).length < target.count);

  const startOne = async (target: PrewarmTarget): Promise<void> => {
    const giveBack = ledger.take(target.memoryMiB);
    try {
      const slot = await factory.startBlank(target.kind, target.memoryMiB);
      const blank = { slot, giveBack };
      blanks.push(blank);
      failures = 0;
      void slot.runner.ended.then(() => {
        const at = blanks.indexOf(blank);
        if (at < 0) return;
        blanks.splice(at, 1);
        giveBack();
      });
      if (closed) await slot.runner.end('ended');
      else await slot.runner.freeze();
    } catch (error) {
      giveBack();
      const pauseMs = Math.min(longestPauseMs, 1000 * 2 ** failures++);
      notBefore = performance.now() + pauseMs;
      log.warn({ err: error, kind: target.kind, pauseMs }, 'could not prewarm a sandbox');
    }
  };

  return {
    get size() {
      return blanks.length;
    },
    take(kind, memoryMiB) {
      const at = blanks.findIndex(({ slot }) => matches(slot, { kind, memoryMiB }) && !slot.runner.isEnded);
      return at < 0 ? undefined : blanks.splice(at, 1)[0];
    },
    async replenish() {
      const target = missing();
      if (closed || starting || !target || performance.now() < notBefore || !ledger.fits(target.memoryMiB))
        return;
      starting = startOne(target).finally(() => {
        starting = undefined;
      });
      await starting;
    },
    evictOne() {
      const blank = blanks.shift();
      if (!blank) return false;
      blank.giveBack();
      void blank.slot.runner.end('ended');
      return true;
    },
    async close() {
      closed = true;
      await starting;
      await Promise.all(blanks.map(({ slot }) => slot.runner.end('ended')));
    },
  };
}

function matches(slot: Slot, wanted: { readonly kind: string; readonly memoryMiB: number }): boolean {
  return slot.kind === wanted.kind && slot.memoryMiB === wanted.memoryMiB;
}
