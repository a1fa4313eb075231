/** One activation under way: what it holds, how far it has come, and how to cut it short. */
import type { Admission, Job } from '../invoker/index.ts';
import type { CodeStore } from './code-store.ts';
import { Milestone } from './milestone.ts';
import { frameOf, type RecordFrame } from './record.ts';

export interface Departure {
  readonly job: Job;
  /** Of the job's action; worked out when it is not at hand. */
  readonly frame?: RecordFrame;
  /** Tells its namespace from a later one of the same name, which must not get its record. */
  readonly namespaceCreatedAt?: number;
  readonly admission?: Admission;
  /** Of its row, if the durable queue has it already. */
  readonly attempt?: number;
}

export class Flight {
  readonly job: Job;
  readonly frame: RecordFrame;
  readonly namespaceCreatedAt: number | undefined;
  /** Reads see its record, or it leaves none. */
  readonly visible = new Milestone();
  /** Its record is on disk, or it leaves none. */
  readonly landed = new Milestone();
  /** The attempt in the durable queue that its record settles; null while nobody was told "accepted". */
  attempt: number | null | Promise<number | null>;
  started = false;
  /** Stops waiting for its end or for its logs, while it waits for one of them. */
  interrupt: (() => void) | undefined;
  #admission: Admission | undefined;
  /** Undefined when its hold on the code has ended. */
  #code: Pick<CodeStore, 'release'> | undefined;

  constructor(departure: Departure, code: Pick<CodeStore, 'retain' | 'release'>) {
    const { job } = departure;
    this.job = job;
    this.frame = departure.frame ?? frameOf(job);
    this.namespaceCreatedAt = departure.namespaceCreatedAt;
    this.attempt = departure.attempt ?? null;
    this.#admission = departure.admission;
    this.#code = code;
    code.retain(job.code.digest);
  }

  /** Ends its admission and its hold on the code. Idempotent. */
  release(): void {
    this.#admission?.release();
    this.#code?.release(this.job.code.digest);
    this.#admission = undefined;
    this.#code = undefined;
  }
}
