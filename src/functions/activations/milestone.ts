/** An event that happens once. It makes a promise only when it is asked for one, which the invoke path never does. */
export class Milestone {
  #isReached = false;
  #asked: PromiseWithResolvers<void> | undefined;

  /** Idempotent. */
  reach(): void {
    this.#isReached = true;
    this.#asked?.resolve();
  }

  /** Settles when it is reached; never rejects. */
  reached(): Promise<void> {
    if (this.#isReached) return Promise.resolve();
    this.#asked ??= Promise.withResolvers();
    return this.#asked.promise;
  }
}
