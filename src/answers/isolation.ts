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
  readonly doctorRuns: readonly HostCheckRun[];
  readonly prove: Prove | null;
  readonly proveRuns: readonly HostCheckRun[];
}

/** The last report of `ward prove`. */
export interface Prove {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly ok: boolean;
  readonly kernel: string;
  readonly runtime: { readonly name: string; readonly version: string };
  /** Outcome → how many techniques. */
  readonly counts: Readonly<Record<string, number>>;
  readonly techniques: readonly {
    readonly name: string;
    readonly vector: string;
    readonly title: string;
    readonly control: string;
    readonly outcome: string;
    readonly detail: string;
  }[];
}

/** A run of `ward doctor` or `ward prove`, the last first. */
export interface HostCheckRun {
  readonly at: number;
  readonly ok: boolean;
  readonly kernel: string;
  /** What differs from when it was looked at before; `before` is null when it never was. */
  readonly changes: readonly {
    readonly name: string;
    readonly before: string | null;
    readonly after: string;
  }[];
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
