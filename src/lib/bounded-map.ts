/**
 * A map of at most `most` entries, for results that can be computed again. When it is full, it drops the oldest
 * eighth. Dropping one at a time would be slow: a map finds its first entry by passing the slots of all deleted ones.
 */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number;

  /** @param most 1 or more */
  constructor(most: number) {
    super();
    this.#most = most;
  }

  /** A key that is set again counts as new. */
  override set(key: Key, value: Value): this {
    this.delete(key);
    if (this.size >= this.#most) this.#dropOldest(Math.max(1, Math.floor(this.#most / 8)));
    return super.set(key, value);
  }

  #dropOldest(count: number): void {
    for (const key of this.keys().take(count)) this.delete(key);
  }
}
