/**
 * Watches what other processes change in the store, so that caches drop it. It looks four times a second in the
 * background, never on the path of a request, and at once when a hint arrives. Hints may get lost.
 *
 * When it cannot look, cached values are as old as its last good look. They may be used for 30 seconds, and then
 * everything is dropped. After such a time it does not know what it missed, so it drops everything as well.
 */
import { type Log, messageOf, withTimeout } from '../../lib/index.ts';
import type { ChangeStore } from '../../store/index.ts';
import { type Changed, changedBy } from './changed.ts';

export interface ChangeWatch extends Disposable {
  /** Looks for changes that were committed before this call. Never rejects. */
  look(): Promise<void>;
  /**
   * Whether the last good look is recent enough to trust what is cached. A promise if it is late for another reason
   * than a failure, for example because this process was stopped: then it looks first.
   */
  isCurrent(): boolean | Promise<boolean>;
}

interface ChangeWatchOptions {
  readonly changes: ChangeStore;
  /** Undefined: everything may have changed. */
  readonly onChanged: (changed: Changed | undefined) => void;
  /** Pause between looks without a hint. Absent: a quarter of a second. */
  readonly everyMs?: number | undefined;
  readonly log: Log;
}

const intervalMs = 250;
/** The time in which a healthy server notices a write of another process. */
export const noticedMs = 2 * intervalMs;
/** How old cached values may get while the changes cannot be read. */
export const trustMs = 30_000;
/** A look that takes longer has failed. */
const lookMs = 5000;
/** How long changes stay for readers that are late. */
const keepMs = 3_600_000;
const pruneEveryMs = 600_000;

export function watchChanges(options: ChangeWatchOptions): ChangeWatch {
  return new Watch(options);
}

class Watch implements ChangeWatch {
  readonly #options: ChangeWatchOptions;
  readonly #timers: readonly NodeJS.Timeout[];
  #position: string | undefined;
  /** When the last good look began. Monotonic, like all times here. */
  #goodAt = performance.now();
  #hasFailed = false;
  #looking: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isOver = false;

  constructor(options: ChangeWatchOptions) {
    this.#options = options;
    this.#timers = [
      setInterval(() => void (this.#looking ?? this.#start()), options.everyMs ?? intervalMs),
      setInterval(() => void this.#prune(), pruneEveryMs),
    ];
    for (const timer of this.#timers) timer.unref();
    void this.#start();
  }

  look(): Promise<void> {
    if (this.#looking === undefined) return this.#start();
    // The one under way may have read before the change was committed.
    this.#next ??= this.#looking.then(() => this.#start());
    return this.#next;
  }

  isCurrent(): boolean | Promise<boolean> {
    if (this.#isTrusted()) return true;
    return this.#hasFailed ? false : this.look().then(() => this.#isTrusted());
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  #isTrusted(): boolean {
    return performance.now() - this.#goodAt <= trustMs;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const looking = this.#look().finally(() => {
      if (this.#looking === looking) this.#looking = undefined;
    });
    this.#looking = looking;
    return looking;
  }

  async #look(): Promise<void> {
    const { changes, onChanged, log } = this.#options;
    const startedAt = performance.now();
    try {
      const found = await withTimeout(changes.since(this.#position), lookMs, () => {
        throw new Error(`no answer within ${lookMs / 1000} s`);
      });
      this.#position = found.position;
      if (this.#hasFailed) log.info('changes of other processes can be read again');
      this.#hasFailed = false;
      // Before what is told to others: they read, and ask whether that can be trusted.
      this.#goodAt = startedAt;
      if (found.changes === undefined) onChanged(undefined);
      else if (found.changes.length > 0) onChanged(changedBy(found.changes));
    } catch (error) {
      if (this.#isOver) return;
      if (!this.#hasFailed)
        log.warn({ reason: messageOf(error) }, 'changes of other processes cannot be read');
      this.#hasFailed = true;
      this.#position = undefined;
      if (!this.#isTrusted()) onChanged(undefined);
    }
  }

  async #prune(): Promise<void> {
    const { changes, log } = this.#options;
    await changes.prune(keepMs).catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'old changes were not deleted');
    });
  }
}
