/**
 * A map of `most` entries at most, for answers that can be had again. When it is full, the eighth of them that was set
 * longest ago goes. Not one at a time: a map finds its first entry by passing the places of all that went before.
 */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #most: number;

  /** @param most from 1 on */
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
