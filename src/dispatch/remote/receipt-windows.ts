/** Bounds the jobs of each node whose receipt has not come, and those that wait to be sent there. */
import { invokersBusy } from '../faults.ts';

/** Limit for one node. */
const windowSize = 64;
/** Limit of those that wait for one node, each with its parameters in memory: what an invoker lets wait by default. */
const longestLine = 10_000;

export class ReceiptWindows {
  readonly #unreceived = new Map<string, number>();
  /** Who waits for one job less. */
  readonly #waiting = new Map<string, (() => void)[]>();

  hasRoom(node: string): boolean {
    return (this.#unreceived.get(node) ?? 0) < windowSize;
  }

  /** Resolves when the node may get another job. @throws Fault INVOKERS_BUSY when too many wait for it */
  async untilRoom(node: string): Promise<void> {
    while (!this.hasRoom(node)) {
      const line = this.#waiting.get(node) ?? [];
      if (line.length >= longestLine) throw invokersBusy();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.set(node, line);
      line.push(resolve);
      await promise;
    }
  }

  /** Lets the next one go that waits for room at the node. */
  passRoom(node: string): void {
    const line = this.#waiting.get(node);
    line?.shift()?.();
    if (line?.length === 0) this.#waiting.delete(node);
  }

  /** Counts a job that is sent. */
  enter(node: string): void {
    this.#unreceived.set(node, (this.#unreceived.get(node) ?? 0) + 1);
  }

  /** The job has its receipt, or is over. */
  leave(node: string): void {
    const left = (this.#unreceived.get(node) ?? 1) - 1;
    if (left === 0) this.#unreceived.delete(node);
    else this.#unreceived.set(node, left);
    this.passRoom(node);
  }
}
