/**
 * Packets to ports of Ward's own choice, sent inside of the router and traced like those that are refused: when one has
 * been told of, so has everything before it.
 */

export interface Marks {
  /** Sends a mark; true when it has been traced, false after `withinMs`. */
  pass(withinMs: number): Promise<boolean>;
  reached(port: number): void;
}

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
