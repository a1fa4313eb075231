/** Adds up the parts of a sequence or a composition (ids, time and memory) and builds the end of the whole. */
import type { LastResult, PartOutcome } from './components.ts';
import type { ActivationEnd } from './record.ts';

export class Tally {
  readonly #startedAt = Date.now();
  readonly #ids: string[] = [];
  #durationMs = 0;
  #memoryMiB: number;

  /** @param memoryMiB minimum for the whole */
  constructor(memoryMiB: number) {
    this.#memoryMiB = memoryMiB;
  }

  add({ activationId, record }: PartOutcome): void {
    this.#ids.push(activationId);
    this.#durationMs += record?.durationMs ?? 0;
    this.#memoryMiB = Math.max(this.#memoryMiB, record?.memoryMiB ?? 0);
  }

  end(last: LastResult): ActivationEnd {
    return {
      ...last,
      startedAt: this.#startedAt,
      endedAt: Date.now(),
      durationMs: this.#durationMs,
      memoryMiB: this.#memoryMiB,
      waitMs: 0,
      timedOut: false,
      start: 'warm',
      log: Promise.resolve(this.#ids),
    };
  }
}
