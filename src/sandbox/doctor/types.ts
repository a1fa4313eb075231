/** The findings of `ward doctor` as data, for a table and for programs. */
import type { Mechanism, Vector } from '../mechanisms.ts';
import type { RuntimeName } from '../types.ts';

export interface DoctorRow {
  readonly name: Mechanism;
  readonly vector: Vector;
  readonly required: boolean;
  readonly available: boolean;
  /** The value that is used here, or why the mechanism can't be used. */
  readonly chosen: string;
  /** Whether a probe in a real sandbox has proven it; `skipped` when nothing could be tried. */
  readonly proven: 'yes' | 'no' | 'skipped';
  /** What the probe observed. */
  readonly evidence: string;
}

/** A kernel setting of the host that would make breakouts harder. Ward never changes it. */
export interface HostAdvice {
  readonly setting: string;
  readonly value: string;
  readonly recommended: string;
  readonly why: string;
}

/** A known hole of an installed runtime. */
export interface DoctorAdvisory {
  readonly runtime: RuntimeName;
  readonly version: string;
  readonly id: string;
  readonly title: string;
  /** The part of Ward that answers it; '' when none does. */
  readonly answer: string;
  /** The first versions without it; empty when none is known. */
  readonly fixed: readonly string[];
  readonly reference: string;
  /** Because of it, the policy starts no sandbox with this runtime. */
  readonly refused: boolean;
}

export interface DoctorReport {
  /** Everything that the policy requires is available and proven, and its runtime is not refused. */
  readonly ok: boolean;
  readonly kernel: string;
  readonly cgroups: string;
  /** Runtime name → version; only those that can run something here. */
  readonly runtimes: Readonly<Record<string, string>>;
  readonly rows: readonly DoctorRow[];
  /** Known holes of the runtimes here, those of the policy's runtime first. */
  readonly advisories: readonly DoctorAdvisory[];
  readonly advice: readonly HostAdvice[];
}

/** The result of the probe of one mechanism. */
export interface ProbeFinding {
  readonly held: boolean;
  readonly evidence: string;
}

export interface LimitProbe<Context> {
  readonly mechanism: Mechanism;
  run(context: Context): Promise<ProbeFinding>;
}
