/** One activation under way: what it holds, how far it has come, and how to cut it short. */
import type { Admission } from '../../invoker/index.ts';
import type { CodeStore } from '../actions/code-store.ts';
import type { RecordFrame } from '../actions/record-frame.ts';
import type { ComposedCall } from './composed-call.ts';
import type { AllowedLimits } from './hints.ts';
import { Milestone } from './milestone.ts';
import { frameOfTask } from './record.ts';
import type { Task } from './task.ts';

export interface Departure {
  readonly task: Task;
  /** Of the task's action; worked out when it is not at hand. */
  readonly frame?: RecordFrame | undefined;
  /** Of a composed task: by whom and within what it is called; found again when it is not at hand. */
  readonly call?: ComposedCall | undefined;
  /** JSON of what it was called with, where that is to be kept. */
  readonly inputJson?: string | undefined;
  /** Whether its record is kept (default: yes). */
  readonly isRecorded?: boolean | undefined;
  /** The limits of its namespace, for hints. */
  readonly allowed?: AllowedLimits | undefined;
  /** Tells its namespace from a later one of the same name, which must not get its record. */
  readonly namespaceCreatedAt?: number | undefined;
  readonly admission?: Admission | undefined;
  /** Of its row, if the durable queue has it already. */
  readonly attempt?: number | undefined;
}

export class Flight {
  readonly task: Task;
  readonly frame: RecordFrame;
  readonly call: ComposedCall | undefined;
  readonly inputJson: string | undefined;
  readonly isRecorded: boolean;
  readonly allowed: AllowedLimits | undefined;
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
    const { task } = departure;
    this.task = task;
    this.frame = departure.frame ?? frameOfTask(task);
    this.call = departure.call;
    this.inputJson = departure.inputJson;
    this.isRecorded = departure.isRecorded ?? true;
    this.allowed = departure.allowed;
    this.namespaceCreatedAt = departure.namespaceCreatedAt;
    this.attempt = departure.attempt ?? null;
    this.#admission = departure.admission;
    if (task.type === 'composed') return;
    this.#code = code;
    code.retain(task.code.digest);
  }

  /** Ends its admission and its hold on the code. Idempotent. */
  release(): void {
    this.#admission?.release();
    if (this.task.type === 'code') this.#code?.release(this.task.code.digest);
    this.#admission = undefined;
    this.#code = undefined;
  }
}
