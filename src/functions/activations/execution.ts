/**
 * One activation under way: what it holds, how far it has come, and how to cut it short.
 *
 *   waiting ──a sandbox is there──▶ (claimed, if it is in the durable queue) ──▶ begun ──▶ over ──▶ recorded
 *      └── withdrawn: it stays in the durable queue, for the next start ──────────────────────────▲
 *
 * A composed execution begins with its first part.
 */
import type { Admission, Handover, WaitReason } from '../../dispatch/index.ts';
import type { CodeStore } from '../actions/code-store.ts';
import type { RecordFrame } from '../actions/record-frame.ts';
import type { ComposedCall } from './composed-call.ts';
import type { AllowedLimits } from './hints.ts';
import { Milestone } from './milestone.ts';
import { frameOfTask } from './record.ts';
import { mayRunAgain } from './retrying.ts';
import type { Task } from './task.ts';

export interface ExecutionPlan {
  readonly task: Task;
  /** Frame of the task's action. Absent: computed from the task. */
  readonly frame?: RecordFrame | undefined;
  /** The call of a composed task. Absent: found again from the task. */
  readonly call?: ComposedCall | undefined;
  /** JSON of its parameters, if they are to be kept. */
  readonly inputJson?: string | undefined;
  /** Whether its record is kept (default: yes). */
  readonly isRecorded?: boolean | undefined;
  /** Limits of its namespace, for hints. */
  readonly allowed?: AllowedLimits | undefined;
  /** Tells its namespace from a later one of the same name, which must not get its record. */
  readonly namespaceCreatedAt?: number | undefined;
  readonly admission?: Admission | undefined;
  /** Attempt of its row, if the durable queue has it already. */
  readonly attempt?: number | undefined;
  /** What has kept it waiting so far, if that is known. */
  readonly waitReason?: WaitReason | undefined;
}

export interface ExecutionHolds {
  readonly code: Pick<CodeStore, 'retain' | 'release'>;
  /**
   * Marks the execution as begun in the durable queue, where it has begun `attempt` times. False: another server has
   * it or it was withdrawn. Never rejects.
   */
  readonly claim: (execution: Execution, attempt: number) => Promise<boolean>;
}

export class Execution implements Handover {
  readonly task: Task;
  readonly frame: RecordFrame;
  readonly call: ComposedCall | undefined;
  readonly inputJson: string | undefined;
  readonly isRecorded: boolean;
  readonly allowed: AllowedLimits | undefined;
  readonly namespaceCreatedAt: number | undefined;
  /** Reached when reads see its record, or it leaves none. */
  readonly visible = new Milestone();
  /** Reached when its record is on disk, or it leaves none. */
  readonly recorded = new Milestone();
  /** The attempt in the durable queue that its record settles. Null while no caller was told "accepted". */
  attempt: number | null | Promise<number | null>;
  /** What kept it waiting before an invoker had it; undefined if nothing did. */
  waitReason: WaitReason | undefined;
  /** It, or its first part, has been handed over to a sandbox. */
  hasBegun = false;
  /** Its end is known; nothing of it begins any more. */
  isOver = false;
  /** It leaves no record here. */
  isWithdrawn = false;
  /** A caller wants it to end. */
  isCancelled = false;
  /** Ends it because a caller wants that. Set while it runs or waits to run. */
  stop: (() => void) | undefined;
  /** Stops waiting for its end or its logs. Set while it waits for one of them. */
  interrupt: (() => void) | undefined;
  /** Ends it without a record. Set while it runs or waits to run. */
  withdraw: (() => void) | undefined;
  /** The execution that it is a part of. */
  readonly #whole: Execution | undefined;
  readonly #claim: ExecutionHolds['claim'];
  /** Set while it is being claimed. */
  #beginning: Promise<boolean> | undefined;
  #admission: Admission | undefined;
  /** Undefined once its hold on the code has ended. */
  #code: Pick<CodeStore, 'release'> | undefined;

  constructor(plan: ExecutionPlan, { code, claim }: ExecutionHolds, whole?: Execution) {
    const { task } = plan;
    this.#claim = claim;
    this.#whole = whole;
    this.task = task;
    this.frame = plan.frame ?? frameOfTask(task);
    this.call = plan.call;
    this.inputJson = plan.inputJson;
    this.isRecorded = plan.isRecorded ?? true;
    this.allowed = plan.allowed;
    this.namespaceCreatedAt = plan.namespaceCreatedAt;
    this.attempt = plan.attempt ?? null;
    this.waitReason = plan.waitReason;
    this.#admission = plan.admission;
    if (task.type === 'composed') return;
    this.#code = code;
    code.retain(task.code.digest);
  }

  /**
   * True if it is in the durable queue and can be left to the next start, because it has not begun or may begin
   * again.
   */
  get canWait(): boolean {
    if (this.isOver || this.#beginning !== undefined) return false;
    if (!this.hasBegun && this.#whole?.isWithdrawn === true) return true;
    if (typeof this.attempt !== 'number' || !mayRunAgain(this.task, this.attempt)) return false;
    return this.attempt === 0 || !this.needsThisProcess;
  }

  /** True if the next start could not run it. */
  get needsThisProcess(): boolean {
    return this.task.type === 'code' && this.task.apiKey !== undefined;
  }

  /** False if its code has written no log. */
  get mayHaveRun(): boolean {
    return this.hasBegun || (typeof this.attempt === 'number' && this.attempt > 0);
  }

  /** It is being written that it begins. */
  get isBeginning(): boolean {
    return this.#beginning !== undefined;
  }

  /** Resolves once it is known whether it begins, if that is being written. */
  async settled(): Promise<void> {
    await this.#beginning;
  }

  /** False if its beginning must be written in the durable queue. */
  get isPrompt(): boolean {
    return this.hasBegun || (this.attempt === null && this.#whole?.isPrompt !== false);
  }

  /** Begins, unless it is over or was withdrawn. Synchronous unless it is in the durable queue. */
  begin(): boolean | Promise<boolean> {
    if (this.hasBegun) return true;
    if (this.isOver) return false;
    const whole = this.#whole?.begin() ?? true;
    if (whole === true && this.attempt === null) {
      this.hasBegun = true;
      return true;
    }
    if (whole === false) return false;
    this.#beginning ??= this.#beginDurably(whole).finally(() => {
      this.#beginning = undefined;
    });
    return this.#beginning;
  }

  async #beginDurably(whole: true | Promise<boolean>): Promise<boolean> {
    if (!(await whole)) return false;
    const attempt = await this.attempt;
    if (attempt !== null) {
      if (this.isOver || !(await this.#claim(this, attempt))) return false;
      this.attempt = attempt + 1;
    }
    this.hasBegun = !this.isOver;
    return this.hasBegun;
  }

  /** Lets it begin once more after the loss of the node that ran it. False: it must not. */
  allowAgain(): boolean {
    if (!this.hasBegun || typeof this.attempt !== 'number' || !mayRunAgain(this.task, this.attempt))
      return false;
    this.hasBegun = false;
    return true;
  }

  /** Releases its admission and its hold on the code. Idempotent. */
  release(): void {
    this.#admission?.release();
    if (this.task.type === 'code') this.#code?.release(this.task.code.digest);
    this.#admission = undefined;
    this.#code = undefined;
  }
}
