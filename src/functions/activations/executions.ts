/**
 * Activations under way: each is run once, and ends in a record in the store.
 *
 * An execution starts with its admission and a hold on its code, and ends when its record is kept. If its caller was
 * told "accepted", it is in the durable queue: it is claimed there when it is handed over to a sandbox, and its
 * record settles it. At shutdown, accepted calls that have not begun stay in the queue for the next start. Calls that
 * have begun and do not end in time are recorded as interrupted, or stay too if their action may be retried.
 *
 * Every call comes through here, and the garbage collector has to move everything that lives until the record is on
 * disk. So an execution makes few promises, and does not await what is already known.
 */
import { callerTextOf, type Log, messageOf, withTimeout } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import type { CodeStore } from '../actions/code-store.ts';
import type { Vault } from '../vault/vault.ts';
import { toQueue } from './accepted-task.ts';
import { Execution, type ExecutionHolds, type ExecutionPlan } from './execution.ts';
import type { QueueLease } from './queue-lease.ts';
import { type ActivationEnd, type ActivationRecord, interruptedFailure, recordOf } from './record.ts';
import { RecordKeeper, type RecordKeeperOptions } from './record-keeper.ts';
import { type RunOptions, runToEnd } from './running.ts';
import type { Task } from './task.ts';
import { callIds, isSampledTask, type TracedActivation, type Tracing } from './trace-context.ts';

export interface ExecutionsOptions
  extends Omit<RunOptions, 'isDraining'>,
    Omit<RecordKeeperOptions, 'onRecorded'> {
  readonly store: Pick<Store, 'activations' | 'accepted'>;
  /** Owns the accepted calls. */
  readonly lease: Pick<QueueLease, 'node' | 'held' | 'giveUp'>;
  readonly code: Pick<CodeStore, 'retain' | 'release'>;
  readonly vault: Vault;
  readonly tracing?: Pick<Tracing, 'ended'> | undefined;
  readonly namespaces: RunOptions['namespaces'] & RecordKeeperOptions['namespaces'];
}

/** Time to write the records of interrupted executions. */
const lastRecordsMs = 5000;

export class Executions {
  readonly #options: ExecutionsOptions;
  readonly #running: RunOptions;
  readonly #holds: ExecutionHolds;
  readonly #keeper: RecordKeeper;
  /** By activation id. */
  readonly #underWay = new Map<string, Execution>();
  #isDraining = false;

  constructor(options: ExecutionsOptions) {
    this.#options = options;
    this.#holds = { code: options.code, claim: (execution, attempt) => this.#claim(execution, attempt) };
    this.#running = { ...options, isDraining: () => this.#isDraining };
    this.#keeper = new RecordKeeper({ ...options, onRecorded: (execution) => this.#leave(execution) });
  }

  /** Holds a task's place until it is run or cancelled. */
  begin(plan: ExecutionPlan): Execution {
    const { activationId, cause } = plan.task;
    const whole = cause === undefined ? undefined : this.#underWay.get(cause);
    const execution = new Execution(plan, this.#holds, whole);
    // A whole that is over gets no further parts.
    if (cause !== undefined && whole?.isOver !== false) execution.isOver = true;
    this.#underWay.set(activationId, execution);
    return execution;
  }

  find(activationId: string): Execution | undefined {
    return this.#underWay.get(activationId);
  }

  /** Those that have not ended. */
  ofNamespace(namespace: string): readonly Execution[] {
    return [...this.#underWay.values()].filter(({ task, isOver }) => task.namespace === namespace && !isOver);
  }

  /** The activation that a request has begun, not its parts. */
  ofRequest(namespace: string, transactionId: string): Execution | undefined {
    return this.#underWay
      .values()
      .find(
        ({ task }) =>
          task.transactionId === transactionId && task.namespace === namespace && task.cause === undefined,
      );
  }

  /** Ends an execution that was never run and leaves no record. */
  cancel(execution: Execution): void {
    execution.release();
    this.#leave(execution);
  }

  /**
   * Ends an activation because a caller wants that, with its parts; its record says so. False if none of that namespace is
   * under way here. Resolves when no more of it begins.
   */
  async stop(namespace: string, activationId: string): Promise<boolean> {
    const execution = this.#underWay.get(activationId);
    if (execution?.task.namespace !== namespace || execution.isOver || execution.stop === undefined)
      return false;
    const parts = [...this.#underWay.values()].filter(({ task }) => task.cause === activationId);
    execution.stop();
    for (const { task } of parts) await this.stop(namespace, task.activationId);
    return true;
  }

  /** Makes it durable before it starts. Rejects if that fails. */
  async enqueue(execution: Execution): Promise<void> {
    await accept(this.#options, execution.task);
    execution.attempt = 0;
  }

  /** Makes an execution durable that runs or waits to run. False: that failed, and the execution goes on. */
  async enqueueUnderWay(execution: Execution): Promise<boolean> {
    // In one write: after a kill between two, the next start would run again what has begun.
    const accepting = acceptUnderWay(this.#options, execution, execution.hasBegun ? 1 : 0);
    execution.attempt = accepting;
    execution.attempt = await accepting;
    return execution.attempt !== null;
  }

  /**
   * Runs it and returns its record. The record is stored in the background, because its logs may still be on their
   * way. Rejects, without a record, if it could not be run.
   */
  run(execution: Execution): Promise<ActivationRecord> {
    return runToEnd(this.#running, execution, (end) => this.#end(execution, end));
  }

  /**
   * Runs an execution of the durable queue to its record, or leaves it there if it cannot begin now. Never rejects.
   */
  async runQueued(execution: Execution): Promise<void> {
    if (this.#isDraining) return this.cancel(execution);
    await this.run(execution).catch((error) => this.failBy(execution, error));
  }

  /** Ends an execution that an error kept from its end. An operator reads in the log what tenants do not in the record. */
  failBy(execution: Execution, error: unknown): void {
    const [reason, text] = [messageOf(error), callerTextOf(error)];
    if (text !== reason)
      this.#options.log.warn({ ...callIds(execution.task), reason }, 'a call could not run');
    this.fail(execution, text);
  }

  /** Ends an execution with a record that says why it could not run; without a record if it was withdrawn. */
  fail(execution: Execution, text: string): void {
    if (execution.isWithdrawn) this.cancel(execution);
    else {
      execution.release();
      this.#end(execution, interruptedFailure(execution, text));
    }
  }

  /**
   * Leaves accepted calls that have not begun to the next start, and waits for the records of the others. Ends those
   * that take too long, and answers their callers.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    const underWay = this.#underWay;
    for (const execution of underWay.values())
      if (!execution.hasBegun && execution.canWait && !execution.needsThisProcess) execution.withdraw?.();
    const recordings = [...underWay.values()].map(({ recorded }) => recorded.reached());
    const areRecorded = Promise.all(recordings).then(() => true);
    if (recordings.length === 0 || (await withTimeout(areRecorded, timeoutMs, () => false))) return;
    const settled = Promise.all([...underWay.values()].map((execution) => execution.settled()));
    await withTimeout(settled, lastRecordsMs, () => undefined);
    for (const execution of underWay.values()) {
      if (execution.canWait && execution.withdraw !== undefined) execution.withdraw();
      else if (execution.interrupt !== undefined) execution.interrupt();
      else if (!execution.isOver) this.cancel(execution);
    }
    // A full disk takes no record, but the durable queue still has the accepted calls.
    if (!(await withTimeout(areRecorded, lastRecordsMs, () => false)))
      this.#options.log.error({ records: underWay.size }, 'records could not be written before the end');
  }

  async #claim(execution: Execution, attempt: number): Promise<boolean> {
    const { store, lease, log } = this.#options;
    const { activationId } = execution.task;
    try {
      if (await store.accepted.claim(activationId, attempt, lease.node)) return true;
    } catch (error) {
      lease.giveUp(activationId);
      log.error(
        { ...callIds(execution.task), reason: messageOf(error) },
        'an accepted activation was not claimed',
      );
    }
    execution.withdraw?.();
    return false;
  }

  #end(execution: Execution, end: ActivationEnd): ActivationRecord {
    execution.isOver = true;
    execution.withdraw = undefined;
    execution.stop = undefined;
    const { task, frame } = execution;
    const whole = attempted(execution, end);
    const record = recordOf(task, frame, whole);
    if (record.status === 'whisk internal error') logFailure(this.#options.log, execution.task, record);
    const kept = end.recorded === undefined ? record : recordOf(task, frame, { ...whole, ...end.recorded });
    this.#keeper.keep(execution, kept, end.log);
    if (isSampledTask(execution.task)) this.#options.tracing?.ended(tracedOf(execution.task, end));
    return record;
  }

  #leave(execution: Execution): void {
    this.#underWay.delete(execution.task.activationId);
    execution.recorded.reach();
  }
}

function tracedOf(task: Task, end: ActivationEnd): TracedActivation {
  const { traceparent = '', parentSpan, activationId, namespace, action, kind, acceptedAt, cause } = task;
  const { status, startedAt, endedAt, initMs, sandboxMs, start, traffic, violations } = end;
  return {
    ...{ traceId: traceparent.slice(3, 35), span: traceparent.slice(36, 52), parentSpan },
    ...{ activationId, namespace, action, kind, status, isPart: cause !== undefined },
    ...{ acceptedAt, startedAt, endedAt, initMs, sandboxMs, traffic, violations },
    start: task.type === 'code' ? start : undefined,
  };
}

/** Logs the id that the caller has. Failures of user code are only in their records. */
function logFailure(log: Log, task: Task, record: ActivationRecord): void {
  const { transactionId, namespace } = task;
  log.warn(
    {
      ...callIds(task),
      transactionId,
      namespace,
      reason: 'value' in record.result ? record.result.value : undefined,
    },
    'an activation failed by the platform',
  );
}

/** Adds the number of attempts if it was run again. */
function attempted({ attempt }: Execution, end: ActivationEnd): ActivationEnd {
  return typeof attempt === 'number' && attempt > 1 ? { ...end, attempt } : end;
}

async function accept({ store, lease, vault }: ExecutionsOptions, task: Task, attempt = 0): Promise<void> {
  const { activationId, namespace, acceptedAt } = task;
  await lease.held();
  const row = {
    activationId,
    namespace,
    acceptedAt,
    owner: lease.node,
    codeDigest: task.type === 'code' ? task.code.digest : null,
    job: toQueue(task, vault),
  };
  await store.accepted.accept(row, attempt);
}

/** Its attempt in the durable queue. Null: it is not there. */
async function acceptUnderWay(
  options: ExecutionsOptions,
  { task }: Execution,
  attempt: number,
): Promise<number | null> {
  try {
    await accept(options, task, attempt);
    return attempt;
  } catch (error) {
    options.log.error({ ...callIds(task), reason: messageOf(error) }, 'a long run could not be made durable');
    return null;
  }
}
