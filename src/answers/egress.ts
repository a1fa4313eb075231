/** What functions reached over the network, and what was refused to them. */

export interface EgressTarget {
  readonly namespace: string;
  /** Null: of all that the namespace has no rows left for. */
  readonly action: string | null;
  /** Null: what is not told apart. */
  readonly target: string | null;
  readonly port: number;
  readonly protocol: string;
  /** Null: it was not refused. */
  readonly refusal: string | null;
  readonly calls: number;
  readonly attempts: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly lastAt: number;
  readonly lastActivationId: string;
}

export interface EgressTargets {
  readonly targets: readonly EgressTarget[];
  readonly next: string | null;
}
