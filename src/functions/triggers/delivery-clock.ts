/** Wakes when something in the store is due: one timer, set to the earliest that is known. */
import { type Log, messageOf } from '../../lib/index.ts';

export interface DueClock extends Disposable {
  /** Something is due at that time; epoch milliseconds. */
  expect(dueAt: number): void;
}

interface DueClockOptions {
  /** Deals with what is due. */
  readonly work: () => Promise<void>;
  /** The earliest that is left to do. */
  readonly nextDue: () => Promise<number | undefined>;
  readonly log: Log;
}

/** After a failure, so that one that lasts does not keep the processor busy. */
const pauseMs = 5000;
/** The longest that a timer can be set to, and then some. */
const farMs = 86_400_000;

/** Looks at once for what is due already. */
export function startDueClock({ work, nextDue, log }: DueClockOptions): DueClock {
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;
  let working = false;
  let isOver = false;

  const expect = (dueAt: number) => {
    if (isOver || dueAt >= timerAt) return;
    clearTimeout(timer);
    timerAt = dueAt;
    if (working) return;
    timer = setTimeout(() => void tick(), Math.min(farMs, Math.max(0, dueAt - Date.now())));
    timer.unref();
  };
  const tick = async () => {
    timerAt = Number.POSITIVE_INFINITY;
    working = true;
    let next: number | undefined;
    try {
      await work();
      next = await nextDue();
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'what was due could not be dealt with');
      next = Date.now() + pauseMs;
    }
    working = false;
    const earliest = Math.min(next ?? Number.POSITIVE_INFINITY, timerAt);
    timerAt = Number.POSITIVE_INFINITY;
    if (earliest !== Number.POSITIVE_INFINITY) expect(earliest);
  };
  expect(Date.now());
  return {
    expect,
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
