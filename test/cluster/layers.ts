/**
 * Somebody who pushes layers that no image names, and again just when a node sweeps them away, or when a removal of them
 * has no answer: as long as the repository has a layer, its bytes must be in the bucket.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Digest, digestOf } from '../../src/blobs/index.ts';
import type { Violation } from '../chaos/evidence.ts';
import type { LoadedSite } from '../chaos/loaded-site.ts';
import type { Edit } from '../chaos/preload.ts';
import type { Ward } from '../ward.ts';
import type { LateRemovals } from './late-removals.ts';
import { pushBlob } from './pushes.ts';

export const layersRepository = 'guest/layers';
/** Time for which layers stay that no image names, and then those that are doomed, in place of a day and an hour. */
const times = { graceMs: 6000, doomedMs: 2000 };
/** Layers of one sweep, and those that are pushed again while it goes on. */
const pieces = { all: 16, again: 8 };
const layerBytes = 300;
const lookEveryMs = 150;
/** A sweep dooms what has been without an image for long enough, and a later one removes it. */
const sweepMs = 60_000;
/** Time by which a removal that has begun is in the bucket. Less than the time for which layers stay. */
const removalMs = 1500;

/** Lets servers remove layers early. */
export const hurryLayers: readonly Edit[] = [
  {
    file: 'src/content/registry-store.ts',
    from: 'graceMs: 24 * hourMs,',
    to: `graceMs: ${times.graceMs},`,
  },
  {
    file: 'src/content/registry-store.ts',
    from: 'doomedMs: hourMs,',
    to: `doomedMs: ${times.doomedMs},`,
  },
];

interface LayerPlaces {
  /** Chooses a node. */
  readonly ward: () => Ward;
  /** Names of the objects with pushed bytes. */
  readonly kept: () => Promise<readonly string[]>;
  /** The layers that the repository has. */
  readonly held: () => Promise<readonly string[]>;
  readonly removals: LateRemovals;
}

interface Layer {
  readonly bytes: Buffer;
  readonly digest: Digest;
}

export class Layers {
  readonly found: Violation[] = [];
  /** Number of pushes of layers that were in the bucket while a sweep removed others like them. */
  races = 0;
  /** Number of pushes of layers whose removal had no answer, and then reached the bucket. */
  lateRemovals = 0;
  readonly #places: LayerPlaces;
  readonly #client: Promise<void>;
  #isOver = false;

  constructor(places: LayerPlaces) {
    this.#places = places;
    this.#client = this.#goOn();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#client;
  }

  /**
   * Pushes a layer, waits until a node asks the bucket to remove it, and pushes it again. Only then does the bucket get the
   * request.
   */
  async pushBeforeRemoval(until: LoadedSite['until']): Promise<void> {
    const { removals } = this.#places;
    const layer = newLayer();
    const isAnswered =
      (...wanted: number[]) =>
      async () =>
        wanted.includes(await this.#statusOf(layer));
    await until(isAnswered(201), 'a layer is not pushed');
    const removal = removals.of(layer.digest);
    await until(() => removal.isKept, 'no node removes a layer', lookEveryMs);
    await until(isAnswered(201, 503), 'a push of a layer that is being removed has no clear answer');
    await removal.carryOut();
    this.lateRemovals++;
    await this.#look([layer]);
  }

  async #goOn(): Promise<void> {
    while (!this.#isOver) {
      const all = Array.from({ length: pieces.all }, newLayer);
      // In the order in which a sweep goes through them.
      all.sort((one, other) => (one.digest < other.digest ? -1 : 1));
      await Promise.all(all.map((layer) => this.#push(layer)));
      const left = await this.#untilSwept(await this.#inBucket(all));
      const again = left.slice(-pieces.again);
      const pushed = await Promise.all(again.map((layer) => this.#push(layer)));
      const named = again.filter((_, index) => pushed[index]);
      this.races += named.length;
      await pause(removalMs);
      await this.#look(named).catch(() => {});
    }
  }

  /** Waits until a sweep has begun to remove these. Returns those that are still there, or none if it removes none. */
  async #untilSwept(stored: readonly Layer[]): Promise<readonly Layer[]> {
    const deadline = performance.now() + sweepMs;
    while (!this.#isOver && performance.now() < deadline) {
      const left = await this.#inBucket(stored);
      if (left.length < stored.length) return left;
      await pause(lookEveryMs);
    }
    return [];
  }

  /** What the repository has after the look into the bucket, it also had before. */
  async #look(named: readonly Layer[]): Promise<void> {
    const there = (await this.#places.kept()).join(' ');
    const held = new Set(await this.#places.held());
    for (const { digest } of named)
      if (held.has(digest) && !there.includes(hexOf(digest)))
        this.found.push({ rule: 'a pushed layer was removed', what: digest });
  }

  /** Whether it was answered 201. */
  async #push(layer: Layer): Promise<boolean> {
    return (await this.#statusOf(layer)) === 201;
  }

  /** Pushes it. A connection that breaks is no answer: a fault goes on. */
  async #statusOf({ bytes }: Layer): Promise<number> {
    return await pushBlob(this.#places.ward, layersRepository, bytes).catch(() => 0);
  }

  /** All of them, if the bucket does not say. */
  async #inBucket(all: readonly Layer[]): Promise<readonly Layer[]> {
    const kept = await this.#places.kept().catch(() => undefined);
    if (kept === undefined) return all;
    const there = kept.join(' ');
    return all.filter(({ digest }) => there.includes(hexOf(digest)));
  }
}

function newLayer(): Layer {
  const bytes = randomBytes(layerBytes);
  return { bytes, digest: digestOf(bytes) };
}

function hexOf(digest: Digest): string {
  return digest.replace(/^sha256:/, '');
}
