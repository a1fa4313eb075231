/** What a server has answered for: what it may never lose, whenever it is killed. */

/** An entity's content is a number that grows with each write. */
export interface Written {
  /** Answered with 200. */
  readonly acknowledged: number;
  /** Sent last: it may have been written without an answer. */
  readonly attempted: number;
}

export interface Pushed {
  readonly tag: string;
  readonly manifest: Buffer;
  readonly blobs: readonly Buffer[];
}

/** How many of each in all. */
export interface Answered {
  calls: number;
  blockingCalls: number;
  firings: number;
  writes: number;
  pushes: number;
}

export interface Ledger {
  /** Collection and name, `actions/a1` → what it should be. */
  readonly entities: Map<string, Written>;
  /** Activations that were answered with 202, and not looked at since. */
  readonly invoked: Set<string>;
  readonly fired: Set<string>;
  readonly pushed: Pushed[];
  readonly answered: Answered;
  /** Processes of the last dead server's sandboxes, which stood still when it died. */
}

export function newLedger(): Ledger {
  return {
    entities: new Map(),
    invoked: new Set(),
    fired: new Set(),
    pushed: [],
    answered: { calls: 0, blockingCalls: 0, firings: 0, writes: 0, pushes: 0 },
  };
}
