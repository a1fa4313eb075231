/** Something that happens once. A promise of it is made only when somebody asks: on the invoke path nobody does. */
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
