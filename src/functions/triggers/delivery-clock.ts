/** Wakes when work in the store is due, with one timer for the earliest known time. */
import { type Log, messageOf } from '../../lib/index.ts';

export interface DueClock extends Disposable {
  /** Announces work that is due at that time, in epoch milliseconds. */
  expect(dueAt: number): void;
}

interface DueClockOptions {
  /** Does what is due. */
  readonly work: () => Promise<void>;
  /** The earliest time of remaining work. */
  readonly nextDue: () => Promise<number | undefined>;
  readonly log: Log;
}

/** The pause after a failure, so that a lasting one does not keep the processor busy. */
const pauseMs = 5000;
/** The longest wait, below the limit of a timer. */
const farMs = 86_400_000;

/** Starts the clock, and looks at once for work that is due. */
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
      log.error({ reason: messageOf(error) }, 'due work failed');
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
