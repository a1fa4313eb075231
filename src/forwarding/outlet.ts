/**
 * What waits to be forwarded for one namespace: ids of activations, whose logs stay in the store until they are sent. So an
 * outlet takes little memory however long the logs are and however long its destination is away.
 */
import type { LogEvent, LogSource } from './log-event.ts';

/** Activations that wait at most. When more come, the oldest are given up. */
export const mostWaiting = 2_000;

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

export class Outlet {
  readonly waiting: Waiting[] = [];
  /** Tries of what comes next, one after the other, that failed. */
  failures = 0;
  /** Something sends or waits for its next try. */
  isBusy = false;
  #revision: string;

  constructor(revision: string) {
    this.#revision = revision;
  }

  /** Of the settings that were read last. */
  get revision(): string {
    return this.#revision;
  }

  /** What failed with other settings does not count for these. */
  set revision(revision: string) {
    if (revision !== this.#revision) this.failures = 0;
    this.#revision = revision;
  }

  /** False: the oldest was given up for it. */
  add(source: LogSource): boolean {
    this.waiting.push({ source, sentLines: 0 });
    if (this.waiting.length <= mostWaiting) return true;
    this.waiting.shift();
    return false;
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
}
