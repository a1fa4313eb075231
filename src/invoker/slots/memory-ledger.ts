/** Counts the memory of all sandboxes against the invoker's limit: what is promised, not what is used. */

export interface MemoryLedger {
  readonly limitMiB: number;
  readonly usedMiB: number;
  fits(memoryMiB: number): boolean;
  /** Returns the function that gives it back, which works once. */
  take(memoryMiB: number): () => void;
}

export function createMemoryLedger(limitMiB: number): MemoryLedger {
  let used = 0;
  return {
    limitMiB,
    get usedMiB() {
      return used;
    },
    fits: (memoryMiB) => used + memoryMiB <= limitMiB,
    take(memoryMiB) {
      used += memoryMiB;
      let held = true;
      return () => {
        if (held) used -= memoryMiB;
        held = false;
      };
    },
  };
}
