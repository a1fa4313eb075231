/**
 * Developers who delete and deploy the same code on two nodes at once. The deletion removes the code from the bucket,
 * unless the deployment needs it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Violation } from '../chaos/evidence.ts';
import type { Edit } from '../chaos/preload.ts';
import type { Ward } from '../ward.ts';

/** Time for which unneeded code stays here, in place of an hour: the clients must outlast it. */
const graceMs = 2000;
const pairs = 3;
/** A deployment is judged before it stores its code, so a deletion meets it only if it comes later. */
const spreadMs = 100;

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
}

export class Churn {
  readonly found: Violation[] = [];
  /** Number of deployments that were answered 200 while the same code was deleted. */
  races = 0;
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
      const codes = Array.from({ length: pairs }, () => `const main = () => ({ is: '${randomUUID()}' })`);
      await this.#each(codes, (code, index) => this.#places.ward().deploy(`left-${index}`, code));
      await pause(graceMs);
      const raced = await this.#each(codes, async (code, index) => {
        const path = `/api/v1/namespaces/_/actions/left-${index}`;
        const deleted = pause(Math.random() * spreadMs).then(() =>
          this.#places.ward().request('DELETE', path),
        );
        const [deployed] = await Promise.all([this.#places.ward().deploy(`right-${index}`, code), deleted]);
        return deployed;
      });
      const named = codes.filter((_, index) => raced[index]?.status === 200);
      this.races += named.length;
      await this.#look(named).catch(() => {});
    }
  }

  /** Undefined for those whose connections break: a fault goes on. */
  #each<T>(codes: readonly string[], run: (code: string, index: number) => Promise<T>) {
    return Promise.all(codes.map((code, index) => run(code, index).catch(() => undefined)));
  }

  async #look(codes: readonly string[]): Promise<void> {
    const there = (await this.#places.kept()).join(' ');
    for (const code of codes) {
      const digest = createHash('sha256').update(code).digest('hex');
      if (!there.includes(digest)) this.found.push({ rule: 'needed code was removed', what: digest });
    }
  }
}
