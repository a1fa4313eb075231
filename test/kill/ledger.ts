/** What a server has acknowledged, and so must never lose, whenever it is killed. */

/** The content of an entity is a number that grows with each write. */
export interface Written {
  /** Last version that was answered with 200. */
  readonly acknowledged: number;
  /** Last version that was sent: it may have been written without an answer. */
  readonly attempted: number;
}

export interface Pushed {
  readonly tag: string;
  readonly manifest: Buffer;
  readonly blobs: readonly Buffer[];
}

/** Totals of each kind. */
export interface Answered {
  calls: number;
  blockingCalls: number;
  firings: number;
  writes: number;
  pushes: number;
}

export interface Ledger {
  /** Expected state by collection and name, such as `actions/a1`. */
  readonly entities: Map<string, Written>;
  /** Activations that were answered with 202 and not checked since. */
  readonly invoked: Set<string>;
  readonly fired: Set<string>;
  readonly pushed: Pushed[];
  readonly answered: Answered;
  /** Processes in the last dead server's sandboxes, which were frozen when it died. */
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
