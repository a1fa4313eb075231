/** The parts of a fuzz run. Each opens its target and generates the inputs for it. */
import type fc from 'fast-check';

/** One input, ready to be sent. */
export interface Probe {
  /** Target of the input, the same for all inputs that go there: `PUT /api/v1/namespaces/:ns/actions/:name`. */
  readonly target: string;
  /** The input as text for display. */
  readonly shown: string;
  /** @throws Error when the target misbehaves */
  run(): void | Promise<void>;
}

/** A part under attack. */
export interface Bench extends AsyncDisposable {
  readonly probes: fc.Arbitrary<Probe>;
  /** Number of inputs at once. */
  readonly lanes: number;
  /** Runs after the last input. @throws Error when sandboxes, files or memory are left behind */
  settle?(): Promise<void>;
}

export interface Part {
  readonly name: string;
  /** Share of 100,000 inputs. */
  readonly share: number;
  /** Whether it makes sandboxes, and so needs root and the runtime images. */
  readonly needsSandboxes: boolean;
  open(): Promise<Bench>;
}

export interface Finding {
  readonly target: string;
  readonly what: string;
  /** The smallest input that causes it. */
  readonly shown: string;
}

export interface PartResult {
  readonly part: string;
  readonly inputs: number;
  readonly seconds: number;
  /** Peak growth of this process's memory. */
  readonly grownMiB: number;
  readonly findings: readonly Finding[];
}
