/**
 * The log of an activation while it is written, for one follower. Unread lines wait up to a bound; beyond it the
 * oldest lines are dropped and counted. So a follower that reads slowly, or not at all, takes bounded memory and
 * holds up no one.
 */

/** What a follower reads at once. Never empty. */
export interface LogPiece {
  /** Lines before these that the follower missed, because it came too late or read too slowly. */
  readonly skipped: number;
  /** In the format of records. */
  readonly lines: readonly string[];
}

/** The writing end of a live log. Never throws. */
export interface LogFollower {
  add(line: string): void;
  /** Counts lines that the follower missed before the next one. */
  skip(lines: number): void;
}

/** Limit of unread characters, including the memory overhead of each string. */
const maxUnread = 4 * 1024 * 1024;
const lineOverhead = 32;

/** For one reader, which reads piece after piece. Leaving the loop or aborting the signal ends it. */
export class LiveLog implements LogFollower, AsyncIterableIterator<LogPiece, undefined> {
  #lines: string[] = [];
  #size = 0;
  #skipped = 0;
  #isOver = false;
  #change: PromiseWithResolvers<void> | undefined;
  #onLeave: (() => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #leave = () => this.#close();

  /** @param onLeave called once if the follower leaves before the end */
  constructor(onLeave: () => void, signal?: AbortSignal) {
    this.#onLeave = onLeave;
    this.#signal = signal;
    // Deferred, because the creator does not hold this object yet.
    if (signal?.aborted) queueMicrotask(this.#leave);
    else signal?.addEventListener('abort', this.#leave);
  }

  add(line: string): void {
    if (this.#isOver) return;
    this.#lines.push(line);
    this.#size += sizeOf(line);
    if (this.#size > maxUnread) this.#dropOldest();
    this.#change?.resolve();
  }

  skip(lines: number): void {
    if (this.#isOver) return;
    this.#skipped += lines;
    this.#change?.resolve();
  }

  /** Ends the log. Unread lines can still be read. */
  end(): void {
    this.#isOver = true;
    this.#onLeave = undefined;
    this.#signal?.removeEventListener('abort', this.#leave);
    this.#change?.resolve();
  }

  async next(): Promise<IteratorResult<LogPiece, undefined>> {
    // Resumes once all lines that arrived together are here, so they are read together.
    while (this.#isEmpty && !this.#isOver) {
      this.#change = Promise.withResolvers();
      await this.#change.promise;
    }
    if (this.#isEmpty) return { done: true, value: undefined };
    const value = { skipped: this.#skipped, lines: this.#lines };
    this.#forget();
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<LogPiece, undefined>> {
    this.#close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #isEmpty(): boolean {
    return this.#lines.length === 0 && this.#skipped === 0;
  }

  /** Drops half of the lines, so that a flood does not move the rest for each new line. */
  #dropOldest(): void {
    let count = 0;
    while (this.#size > maxUnread / 2) this.#size -= sizeOf(this.#lines[count++] ?? '');
    this.#lines.splice(0, count);
    this.#skipped += count;
  }

  #close(): void {
    const onLeave = this.#onLeave;
    this.end();
    this.#forget();
    onLeave?.();
  }

  #forget(): void {
    this.#lines = [];
    this.#size = this.#skipped = 0;
  }
}

function sizeOf(line: string): number {
  return line.length + lineOverhead;
}
