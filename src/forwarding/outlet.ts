/**
 * What waits to be forwarded for one namespace, and how that went: ids of activations, whose logs stay in the store until
 * they are sent. So an outlet takes little memory however long the logs are and however long its destination is away.
 */
import type { LogEvent, LogSource } from './log-event.ts';

/** Activations that wait at most. When more come, the oldest are given up. */
const mostWaiting = 2_000;
const mostErrors = 10;

export interface Waiting {
  readonly source: LogSource;
  /** Lines of it that were sent. */
  sentLines: number;
}

/** What is sent at once. */
export interface Batch {
  readonly events: readonly LogEvent[];
  /** Activations at the head of those that wait which it completes. */
  readonly whole: readonly Waiting[];
  /** The next one, and how many of its lines are sent after this batch. */
  readonly part: { readonly of: Waiting; readonly sentLines: number } | undefined;
}

interface Trouble {
  readonly text: string;
  at: number;
  times: number;
}

export class Outlet {
  readonly waiting: Waiting[] = [];
  /** Tries of what comes next, one after the other, that failed. */
  failures = 0;
  /** Something sends or waits for its next try. */
  isBusy = false;
  #troubles: Trouble[] = [];

  add(source: LogSource, now: number): void {
    if (this.waiting.length >= mostWaiting) {
      this.waiting.shift();
      this.fail(`more than ${mostWaiting} activations waited, and the oldest were given up`, now);
    }
    this.waiting.push({ source, sentLines: 0 });
  }

  /**
   * Removes what a batch has. Some of it may have been given up meanwhile, because too many waited.
   * @param batch undefined: those that have waited longest
   * @returns how many activations it had
   */
  finish(
    batch: Pick<Batch, 'whole' | 'part'> = { whole: this.waiting.slice(0, 100), part: undefined },
  ): number {
    const { whole, part } = batch;
    const done = new Set(whole);
    const rest = this.waiting.filter((each) => !done.has(each));
    this.waiting.splice(0, this.waiting.length, ...rest);
    if (part !== undefined) part.of.sentLines = part.sentLines;
    return whole.length + (part === undefined ? 0 : 1);
  }

  /** Notes an error. The same error again only counts. */
  fail(text: string, now: number): void {
    const known = this.#troubles.find((each) => each.text === text);
    if (known === undefined) this.#troubles.push({ text, at: now, times: 1 });
    else {
      known.at = now;
      known.times++;
    }
    this.#troubles = this.#troubles.toSorted((a, b) => a.at - b.at).slice(-mostErrors);
  }

  /** Newest last. */
  errors(): readonly string[] {
    return this.#troubles.map(({ text, at, times }) => {
      const often = times === 1 ? '' : ` (${times} times, last)`;
      return `${new Date(at).toISOString()}${often}: ${text}`;
    });
  }

  forgetErrors(): void {
    this.#troubles = [];
    this.failures = 0;
  }
}
