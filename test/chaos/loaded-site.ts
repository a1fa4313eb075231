/** Servers under load: waits for what they do, and collects the evidence. */
import type { Ward } from '../ward.ts';
import type { Evidence, Kill, Run } from './evidence.ts';
import type { Exercise } from './exercise.ts';
import type { Load } from './load.ts';
import type { Tally } from './tally.ts';

const usualPatienceMs = 60_000;
const tickMs = 20;

export abstract class LoadedSite implements AsyncDisposable {
  readonly load: Load;
  /** Problems that do not belong to a single call. */
  readonly complaints: string[] = [];
  /** Number of calls that can be between their claim and their first step when a process is killed. */
  abstract readonly slots: number;
  protected readonly tally: Tally;
  readonly #kills: Kill[] = [];
  readonly #silences: number[] = [];
  readonly #patienceMs: number;

  /** @param patienceMs time limit for each expected event */
  constructor(tally: Tally, load: Load, patienceMs = usualPatienceMs) {
    this.tally = tally;
    this.load = load;
    this.#patienceMs = patienceMs;
  }

  /** Waits until every accepted call has ended, stops everything, and collects the evidence. */
  abstract finish(): Promise<Evidence>;

  /** What its clients must have done, so that the run says something. */
  exercised(): readonly Exercise[] {
    return [];
  }

  /** Everything that its processes have written. */
  abstract output(): string;

  abstract [Symbol.asyncDispose](): Promise<void>;

  /** Waits for more answers. */
  async untilAnswers(count: number): Promise<void> {
    const enough = this.load.answers.length + count;
    await this.until(() => this.load.answers.length >= enough, 'the server has stopped answering');
  }

  /** Waits for this number of further runs. */
  async untilRuns(count: number): Promise<void> {
    const enough = this.tally.runs.length + count;
    await this.until(() => this.tally.runs.length >= enough, 'the server runs nothing');
  }

  /** Waits until an accepted call has just begun. */
  async untilAcceptedRuns(): Promise<void> {
    let seen = this.tally.runs.length;
    const begins = () => {
      const fresh = this.tally.runs.slice(seen);
      seen += fresh.length;
      return fresh.some(({ marker }) => marker.startsWith('accepted-'));
    };
    await this.until(begins, 'no accepted call runs', 1);
  }

  /** Waits until calls run again. */
  async untilServing(): Promise<void> {
    await this.untilRuns(10);
  }

  async until(
    holds: () => boolean | Promise<boolean>,
    otherwise: string | (() => string),
    everyMs = tickMs,
  ): Promise<void> {
    const deadline = performance.now() + this.#patienceMs;
    while (!(await holds())) {
      if (performance.now() > deadline)
        throw new Error(typeof otherwise === 'string' ? otherwise : otherwise());
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  runs(): readonly Run[] {
    return this.tally.runs;
  }

  /** The evidence that is known before the end. */
  soFar(): Pick<Evidence, 'answers' | 'runs' | 'kills' | 'silences' | 'found'> {
    const { answers } = this.load;
    return { answers, runs: this.tally.runs, kills: this.#kills, silences: this.#silences };
  }

  /** Kills a process of the server `instance`. No one can prepare for it. */
  kill(pid: number, instance?: string): void {
    this.#kills.push({ at: Date.now(), instance });
    process.kill(pid, 'SIGKILL');
  }

  /** Notes that a node is not heard from now on. */
  silence(): void {
    this.#silences.push(Date.now());
  }

  /** Waits until every activation that a client knows of has a record, or is unknown. */
  protected async untilAllEnded(ward: Ward): Promise<void> {
    const ids = this.load.answers.flatMap(({ status, activationId }) =>
      status === 202 && activationId !== undefined ? [activationId] : [],
    );
    const lanes = Array.from({ length: 8 }, async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) await this.#untilEnded(ward, id);
    });
    await Promise.all(lanes);
  }

  async #untilEnded(ward: Ward, id: string): Promise<void> {
    const isOver = async () => {
      const { status, body } = await ward.request('GET', `/api/v1/namespaces/_/activations/${id}`);
      return status === 200 || (status === 404 && body.pending === undefined);
    };
    await this.until(isOver, `the activation ${id} has no end`);
  }
}
