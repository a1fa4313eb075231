/** What `ward doctor` finds out: data, for a table and for programs. */
import type { Mechanism, Vector } from '../mechanisms.ts';
import type { RuntimeName } from '../types.ts';

export interface DoctorRow {
  readonly name: Mechanism;
  readonly vector: Vector;
  readonly required: boolean;
  readonly available: boolean;
  /** What is used here, or why it can't be. */
  readonly chosen: string;
  /** By a probe in a real sandbox; `skipped` when nothing could be tried. */
  readonly proven: 'yes' | 'no' | 'skipped';
  /** What the probe saw. */
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
  /** What in Ward answers it; '' when nothing does. */
  readonly answer: string;
  /** The first versions without it; empty when none is known. */
  readonly fixed: readonly string[];
  readonly reference: string;
  /** The policy starts no sandbox with this runtime because of it. */
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
  /** Known holes of the runtimes here, that of the policy first. */
  readonly advisories: readonly DoctorAdvisory[];
  readonly advice: readonly HostAdvice[];
}

/** What a probe found out about one mechanism. */
export interface ProbeFinding {
  readonly held: boolean;
  readonly evidence: string;
}

export interface LimitProbe<Context> {
  readonly mechanism: Mechanism;
  run(context: Context): Promise<ProbeFinding>;
}
