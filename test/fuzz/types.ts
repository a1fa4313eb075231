/** What is fuzzed: parts, each of which opens what it attacks and says what to send there. */
import type fc from 'fast-check';

/** One input, ready to be sent. */
export interface Probe {
  /** What it is sent to, the same for all inputs that go there: `PUT /api/v1/namespaces/:ns/actions/:name`. */
  readonly target: string;
  /** The input, for people. */
  readonly shown: string;
  /** @throws whatever the target should not have done */
  run(): void | Promise<void>;
}

/** A part that is under attack. */
export interface Bench extends AsyncDisposable {
  readonly probes: fc.Arbitrary<Probe>;
  /** Inputs that are under way at once. */
  readonly lanes: number;
  /** After the last input. @throws when something was left behind: sandboxes, files, memory */
  settle?(): Promise<void>;
}

export interface Part {
  readonly name: string;
  /** Of 100,000 inputs. */
  readonly share: number;
  /** It makes sandboxes, so it needs root and the runtime images. */
  readonly needsSandboxes: boolean;
  open(): Promise<Bench>;
}

export interface Finding {
  readonly target: string;
  readonly what: string;
  /** The smallest input that shows it. */
  readonly shown: string;
}

export interface PartResult {
  readonly part: string;
  readonly inputs: number;
  readonly seconds: number;
  /** How much more memory this process had at most than before. */
  readonly grownMiB: number;
  readonly findings: readonly Finding[];
}
