/** What the callers of a simulation see. */

export interface Figures {
  readonly calls: number;
  /** Shares from 0 to 1. */
  readonly cold: number;
  readonly shed: number;
  /** Time beyond the execution on an idle processor: waiting, starting, sharing processors and the network. */
  readonly delayP99Ms: number;
  /** From the call to its result, with the execution. */
  readonly latencyP99Ms: number;
  /** Tries that an invoker refused, for each call. */
  readonly refused: number;
}

/** Times are counted in steps of 2 %, so that millions of them need no memory. */
const step = Math.log(1.02);
const leastMs = 0.1;

class Times {
  readonly #counts: number[] = [];
  #count = 0;

  add(ms: number): void {
    const at = Math.max(0, Math.ceil(Math.log(Math.max(leastMs, ms) / leastMs) / step));
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#count++;
  }

  quantile(share: number): number {
    let left = this.#count * share;
    for (const [at, count = 0] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return leastMs * Math.exp(at * step);
    }
    return 0;
  }
}

export class Tally {
  #ended = 0;
  #cold = 0;
  #shed = 0;
  #refused = 0;
  readonly #delays = new Times();
  readonly #latencies = new Times();

  ended(latencyMs: number, executionMs: number, isCold: boolean): void {
    this.#ended++;
    if (isCold) this.#cold++;
    this.#latencies.add(latencyMs);
    this.#delays.add(latencyMs - executionMs);
  }

  shed(): void {
    this.#shed++;
  }

  refused(): void {
    this.#refused++;
  }

  figures(): Figures {
    const calls = this.#ended + this.#shed;
    return {
      calls,
      cold: this.#cold / Math.max(1, this.#ended),
      shed: this.#shed / Math.max(1, calls),
      delayP99Ms: this.#delays.quantile(0.99),
      latencyP99Ms: this.#latencies.quantile(0.99),
      refused: this.#refused / Math.max(1, calls),
    };
  }
}
