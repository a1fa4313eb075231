/** Processors that all work of a host shares equally. */
import type { Clock } from './clock.ts';

interface Work {
  /** Done when each piece of work has got this many ms of a processor since the start. */
  readonly doneAt: number;
  readonly done: () => void;
}

export class Processors {
  readonly count: number;
  readonly #clock: Clock;
  readonly #work = new Set<Work>();
  /** Milliseconds of a processor that work which was always there would have got. */
  #progress = 0;
  #updatedAt = 0;
  /** Changes with each change of the work, so that outdated events do nothing. */
  #version = 0;

  constructor(clock: Clock, count: number) {
    this.#clock = clock;
    this.count = count;
  }

  get active(): number {
    return this.#work.size;
  }

  /** Calls `done` when the work has got `ms` of a processor. */
  run(ms: number, done: () => void): void {
    this.#update();
    this.#work.add({ doneAt: this.#progress + ms, done });
    this.#plan();
  }

  /** All work is lost. */
  stop(): void {
    this.#update();
    this.#work.clear();
    this.#version++;
  }

  get #speed(): number {
    return Math.min(1, this.count / this.#work.size);
  }

  #update(): void {
    const { now } = this.#clock;
    if (this.#work.size > 0) this.#progress += (now - this.#updatedAt) * this.#speed;
    this.#updatedAt = now;
  }

  #plan(): void {
    const version = ++this.#version;
    let next: Work | undefined;
    for (const work of this.#work) if (next === undefined || work.doneAt < next.doneAt) next = work;
    if (next === undefined) return;
    const { doneAt, done } = next;
    const work = next;
    this.#clock.after(Math.max(0, (doneAt - this.#progress) / this.#speed), () => {
      if (version !== this.#version) return;
      this.#update();
      this.#work.delete(work);
      this.#plan();
      done();
    });
  }
}
