/**
 * Brings images of actions to this machine before their first call: one at a time, and only begun while no call waits.
 * It is a help: what fails or is too much is left to the first call.
 */
import type { ImageStore } from '../../images/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';

const withDigest = /@sha256:[0-9a-f]{64}$/;
/** Limit of images that wait. */
export const mostWaiting = 100;

export class ImagePrefetch {
  readonly #images: Pick<ImageStore, 'resolve'>;
  readonly #log: Log;
  readonly #waiting = new Set<string>();
  #current: Promise<void> | undefined;
  #isClosed = false;

  constructor(images: Pick<ImageStore, 'resolve'>, log: Log) {
    this.#images = images;
    this.#log = log;
  }

  /** @param image its name with a digest; others are here already, or can change */
  add(image: string): void {
    if (withDigest.test(image) && this.#waiting.size < mostWaiting) this.#waiting.add(image);
  }

  /** Begins with the next image, unless one is under way. */
  next(): void {
    const [image] = this.#waiting;
    if (image === undefined || this.#current !== undefined || this.#isClosed) return;
    this.#waiting.delete(image);
    this.#current = this.#bring(image).finally(() => {
      this.#current = undefined;
    });
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting.clear();
    await this.#current;
  }

  async #bring(image: string): Promise<void> {
    try {
      await this.#images.resolve(image);
    } catch (error) {
      this.#log.info(
        { image, reason: messageOf(error) },
        'an image was not brought here ahead of its first call',
      );
    }
  }
}
