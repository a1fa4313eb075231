/**
 * Developers who deploy code again that no action names any more, just when a node sweeps it away: the code must be in
 * the bucket afterwards. Servers that share a bucket remove code only in their sweeps.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Violation } from '../chaos/evidence.ts';
import type { Edit } from '../chaos/preload.ts';
import type { Ward } from '../ward.ts';

/** Time for which unneeded code stays here, in place of an hour. */
const graceMs = 2000;
/** Codes of one sweep, and those that are deployed again while it goes on. */
const pieces = { all: 12, again: 6 };
const lookEveryMs = 50;
/** A sweep comes every six seconds, and removes at the second one what was unneeded at the first one. */
const sweepMs = 60_000;
/** Time by which a removal that has begun is in the bucket. */
const removalMs = 1500;

/** Lets servers remove code early. */
export const hurry: readonly Edit[] = [
  {
    file: 'src/functions/actions/code-sweep.ts',
    from: 'return Math.max(hourMs, 2 * everyMs);',
    to: `return ${graceMs};`,
  },
];
/** Sweeps as often as the configuration lets them. */
export const hurried = { everyMinutes: 0.1 };

interface ChurnPlaces {
  /** Chooses a node. */
  readonly ward: () => Ward;
  /** Names of the objects with code. */
  readonly kept: () => Promise<readonly string[]>;
  /** The stamp of each digest. A removal ends it, so later code of that digest has another one. */
  readonly stamps: () => Promise<ReadonlyMap<string, string>>;
}

interface Piece {
  readonly code: string;
  /** SHA-256 of the code, by which sweeps go through it. */
  readonly hash: string;
}

export class Churn {
  readonly found: Violation[] = [];
  /** Number of deployments of code that was in the bucket, and unneeded, while a sweep removed such code. */
  races = 0;
  /** Those whose code was removed, and stored again. */
  restored = 0;
  readonly #places: ChurnPlaces;
  readonly #client: Promise<void>;
  #isOver = false;

  constructor(places: ChurnPlaces) {
    this.#places = places;
    this.#client = this.#goOn();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#client;
  }

  async #goOn(): Promise<void> {
    while (!this.#isOver) {
      const all = Array.from({ length: pieces.all }, () => pieceOf(`const main = () => '${randomUUID()}'`));
      all.sort((one, other) => (one.hash < other.hash ? -1 : 1));
      await Promise.all(all.map(({ code }, index) => this.#deploy(`left-${index}`, code)));
      const stored = await this.#inBucket(all);
      const before = await this.#stamps();
      await Promise.all(all.map((_, index) => this.#delete(`left-${index}`)));
      const left = await this.#untilSwept(stored);
      const again = left.slice(0, pieces.again);
      const deployed = await Promise.all(
        again.map(({ code }, index) => this.#deploy(`right-${index}`, code, lookEveryMs)),
      );
      const named = again.filter((_, index) => deployed[index]);
      this.races += named.length;
      await pause(removalMs);
      await this.#look(named, before).catch(() => {});
    }
  }

  /** Waits until a sweep has begun to remove these. Returns those that are still there, or none if it removes none. */
  async #untilSwept(stored: readonly Piece[]): Promise<readonly Piece[]> {
    const deadline = performance.now() + sweepMs;
    while (!this.#isOver && performance.now() < deadline) {
      const left = await this.#inBucket(stored);
      if (left.length < stored.length) return left;
      await pause(lookEveryMs);
    }
    return [];
  }

  async #look(named: readonly Piece[], before: ReadonlyMap<string, string>): Promise<void> {
    const there = (await this.#places.kept()).join(' ');
    const now = await this.#stamps();
    for (const { hash } of named) {
      const [was, is] = [before, now].map((stamps) => stamps.get(`sha256:${hash}`));
      if (!there.includes(hash)) this.found.push({ rule: 'needed code was removed', what: hash });
      else if (was !== undefined && is !== undefined && was !== is) this.restored++;
    }
  }

  /** Whether it was answered 200. A connection that breaks is no answer: a fault goes on. */
  async #deploy(name: string, code: string, withinMs = 0): Promise<boolean> {
    await pause(Math.random() * withinMs);
    const answer = await this.#places
      .ward()
      .deploy(name, code)
      .catch(() => undefined);
    return answer?.status === 200;
  }

  async #delete(name: string): Promise<void> {
    const path = `/api/v1/namespaces/_/actions/${name}`;
    await this.#places
      .ward()
      .request('DELETE', path)
      .catch(() => undefined);
  }

  async #inBucket(all: readonly Piece[]): Promise<readonly Piece[]> {
    const there = (await this.#places.kept().catch(() => [])).join(' ');
    return all.filter(({ hash }) => there.includes(hash));
  }

  async #stamps(): Promise<ReadonlyMap<string, string>> {
    return await this.#places.stamps().catch(() => new Map());
  }
}

function pieceOf(code: string): Piece {
  return { code, hash: createHash('sha256').update(code).digest('hex') };
}
