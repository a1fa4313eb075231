/** An event that happens once. Creates a promise only if asked for one, which the invoke path never does. */
export class Milestone {
  #isReached = false;
  #asked: PromiseWithResolvers<void> | undefined;

  reach(): void {
    this.#isReached = true;
    this.#asked?.resolve();
  }

  /** Resolves when it is reached. Never rejects. */
  reached(): Promise<void> {
    if (this.#isReached) return Promise.resolve();
    this.#asked ??= Promise.withResolvers();
    return this.#asked.promise;
  }
}
