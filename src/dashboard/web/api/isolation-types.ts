/** What keeps functions in, as the API tells operators. */

export interface MechanismRow {
  readonly name: string;
  readonly vector: string;
  readonly required: boolean;
  readonly available: boolean;
  readonly chosen: string;
  readonly proven: string;
  readonly evidence: string;
}

/** The last report of `ward doctor`. */
export interface Doctor {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly ok: boolean;
  readonly kernel: string;
  readonly cgroups: string;
  readonly runtimes: Readonly<Record<string, string>>;
  readonly rows: readonly MechanismRow[];
  readonly processes: readonly MechanismRow[];
  readonly advisories: readonly {
    readonly runtime: string;
    readonly version: string;
    readonly id: string;
    readonly title: string;
    readonly answer: string;
    readonly refused: boolean;
  }[];
  readonly advice: readonly {
    readonly setting: string;
    readonly value: string;
    readonly recommended: string;
    readonly why: string;
  }[];
}

export interface PolicyLine {
  readonly mechanism: string;
  readonly vector: string;
  readonly value: string;
  readonly source: string;
}

export interface Isolation {
  readonly policy: readonly PolicyLine[];
  readonly doctor: Doctor | null;
}

export interface ShownViolation {
  readonly namespace: string;
  readonly at: number;
  readonly kind: string;
  readonly detail: string;
  readonly action: string | null;
  readonly activationId: string | null;
}

export interface ViolationsPage {
  readonly total: number;
  readonly violations: readonly ShownViolation[];
}
