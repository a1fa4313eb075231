/**
 * The log of an activation while it is written, for one follower. Reading it is the credit: what is not read waits, up
 * to a bound, and past that the oldest lines are dropped and counted. So a follower that reads slowly, or not at all, takes
 * bounded memory and holds up nobody.
 */

/** What a follower reads at once: never empty. */
export interface LogPiece {
  /** Lines before these that the follower does not get: it came too late for them, or read too slowly. */
  readonly skipped: number;
  /** In the form that records keep them. */
  readonly lines: readonly string[];
}

/** The end of a live log at which it is written. Never throws. */
export interface LogFollower {
  add(line: string): void;
  /** There are so many lines before the next that the follower does not get. */
  skip(lines: number): void;
}

/** Characters that wait to be read, each line with what a string takes beside them. */
const maxUnread = 4 * 1024 * 1024;
const lineOverhead = 32;

/** For one reader, which reads one piece after the other. Leaving the loop, or the signal, ends it. */
export class LiveLog implements LogFollower, AsyncIterableIterator<LogPiece, undefined> {
  #lines: string[] = [];
  #size = 0;
  #skipped = 0;
  #isOver = false;
  #change: PromiseWithResolvers<void> | undefined;
  #onLeave: (() => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #leave = () => this.#close();

  /** @param onLeave called once, when the follower leaves before the end */
  constructor(onLeave: () => void, signal?: AbortSignal) {
    this.#onLeave = onLeave;
    this.#signal = signal;
    // Not at once: its maker does not have it yet.
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

  /** Nothing more comes. What waits can still be read. */
  end(): void {
    this.#isOver = true;
    this.#onLeave = undefined;
    this.#signal?.removeEventListener('abort', this.#leave);
    this.#change?.resolve();
  }

  async next(): Promise<IteratorResult<LogPiece, undefined>> {
    // Lines that come at once are read at once: this goes on when they are all here.
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

  /** Half of them, so that a flood does not move the rest for each of its lines. */
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
