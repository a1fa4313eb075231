/**
 * Marks: packets to ports of Ward's own choice, sent inside the router and traced like refused packets. When a mark has
 * been reported, so has every packet before it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { unavailable } from '../programs.ts';

export interface Marks {
  /** Sends a mark; resolves to true when it has been traced, to false after `withinMs`. */
  pass(withinMs: number): Promise<boolean>;
  reached(port: number): void;
}

const patienceMs = 10_000;

export function createMarks(send: (port: number) => void): Marks {
  const waiting = new Map<number, () => void>();
  let count = 0;
  return {
    pass(withinMs) {
      const port = 20_000 + (count++ % 10_000);
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle(false), withinMs);
        const settle = (isReached: boolean) => {
          clearTimeout(timer);
          waiting.delete(port);
          resolve(isReached);
        };
        waiting.set(port, () => settle(true));
        send(port);
      });
    },
    reached: (port) => waiting.get(port)?.(),
  };
}

/**
 * Resolves when a mark has been traced. The trace does not report packets from before it listened.
 * @param broken The reason why no mark can arrive any more; undefined while one can.
 * @throws Fault EGRESS_UNAVAILABLE
 */
export async function firstMark(marks: Marks, broken: () => string | undefined): Promise<void> {
  const patience = performance.now() + patienceMs;
  while (!(await marks.pass(20))) {
    const why = broken();
    if (why !== undefined) throw unavailable(why);
    if (performance.now() > patience) throw unavailable('nft monitor reports no packets');
    await sleep(10);
  }
}
