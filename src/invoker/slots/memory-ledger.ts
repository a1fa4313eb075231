/** Counts the memory of all sandboxes against the invoker's limit: memory reserved, not memory used. */

export interface MemoryLedger {
  readonly limitMiB: number;
  readonly usedMiB: number;
  fits(memoryMiB: number): boolean;
  /** Reserves memory. Returns a function that gives it back and works once. */
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
