/**
 * Knows since when the evidence about an image has changed through another server, so that no verdict from before counts. A
 * mark is the moment at which a judgement begins: it has seen all that had changed by then.
 */
import type { Digest } from '../blobs/index.ts';
import { BoundedMap } from '../lib/index.ts';

/** As many as there are verdicts in memory. */
const mostKnown = 10_000;
const beforeAll = -1;

export class EvidenceMarks {
  readonly #changed = new BoundedMap<string, number>(mostKnown);
  #now = 0;
  #all = 0;

  /** For a judgement that begins now. */
  now(): number {
    return this.#now;
  }

  /** For a stored verdict. The server that changed the evidence may not have stored a new one yet, or have ended. */
  ofStored(digest: Digest): number {
    return this.#changed.has(digest) ? beforeAll : this.#now;
  }

  /** @param images undefined: all may have changed */
  change(images: ReadonlySet<string> | undefined): void {
    this.#now++;
    if (images === undefined) this.#all = this.#now;
    for (const image of images ?? []) this.#changed.set(image, this.#now);
  }

  isCurrent(digest: Digest, mark: number): boolean {
    return mark >= this.#all && mark >= (this.#changed.get(digest) ?? 0);
  }
}
