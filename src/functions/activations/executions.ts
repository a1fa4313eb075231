/**
 * Activations under way: each is run once, and ends in a record in the store.
 *
 * An execution starts with its admission and a hold on its code, and ends when its record is kept. One whose
 * caller was told "accepted" is in the durable queue: it is claimed there when it is handed over to a sandbox, and
 * its record settles it. At shutdown, what was accepted and has not begun stays in the queue for the next start;
 * what has begun and does not end in time is recorded as interrupted, or stays too where its action may be retried.
 *
 * Every call comes through here, and what lives until its record is on disk is what the garbage collector has
 * to move: so an execution makes few promises, and what is known already is not awaited.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isLongLog } from '../../dispatch/index.ts';
import { isFault, type Log, messageOf, withTimeout } from '../../lib/index.ts';
import { type ActivationWrite, mayPass, type Store } from '../../store/index.ts';
import type { CodeStore } from '../actions/code-store.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import type { Vault } from '../vault/vault.ts';
import { toQueue } from './accepted-task.ts';
import type { ActivationService } from './activations.ts';
import { Execution, type ExecutionPlan } from './execution.ts';
import { keptLog } from './kept-log.ts';
import type { QueueLease } from './queue-lease.ts';
import { type ActivationRecord, type Ending, internalFailure, recordOf, storedRecord } from './record.ts';
import { type RunOptions, runToEnd } from './running.ts';
import type { Task } from './task.ts';

export interface ExecutionsOptions extends RunOptions {
  readonly store: Pick<Store, 'activations' | 'accepted'>;
  /** Under which calls are accepted. */
  readonly lease: Pick<QueueLease, 'node' | 'held' | 'giveUp'>;
  readonly code: Pick<CodeStore, 'retain' | 'release'>;
  readonly vault: Vault;
  readonly namespaces: Pick<NamespaceService, 'createdAt' | 'lendKey'>;
  readonly activations: Pick<ActivationService, 'expect' | 'arrived'>;
  /** Hears of each activation that has run and leaves no record, though it should. */
  readonly onRecordLost?: () => void;
  readonly log: Log;
}

export interface Executions {
  /** Holds a task's place until it is run or cancelled. */
  begin(plan: ExecutionPlan): Execution;
  find(activationId: string): Execution | undefined;
  /** The activation that a request has begun, not those that it consists of. */
  ofRequest(namespace: string, transactionId: string): Execution | undefined;
  /** Ends an execution that was never run and leaves no record. */
  cancel(execution: Execution): void;
  /** Makes it durable before it is started. Rejects when it can't. */
  enqueue(execution: Execution): Promise<void>;
  /** Makes an execution durable that runs, or waits to; false: it could not, and the execution goes on. */
  enqueueUnderWay(execution: Execution): Promise<boolean>;
  /**
   * Runs it and gives its record, which is kept in the background: its logs may still be on their way.
   * Rejects, without a record, when it could not be run.
   */
  run(execution: Execution): Promise<ActivationRecord>;
  /** Runs an execution that the durable queue has to its record, or leaves it there when it can't be begun now. Never rejects. */
  runQueued(execution: Execution): Promise<void>;
  /** Ends an execution with a record that says why it could not be run; without one when it was withdrawn. */
  fail(execution: Execution, text: string): void;
  /**
   * Leaves to the next start what was accepted and has not begun, and waits for the records of the others; ends those that
   * don't in time, and answers their callers.
   */
  drain(timeoutMs: number): Promise<void>;
}

/** Until a read that failed is tried again. */
const readAgainMs = 1000;
/** To write the records of what was interrupted. */
const lastRecordsMs = 5000;

export function createExecutions(options: ExecutionsOptions): Executions {
  const { store, lease, activations, log } = options;
  const underWay = new Map<string, Execution>();
  let isDraining = false;

  const claim = async (execution: Execution, attempt: number): Promise<boolean> => {
    const { activationId } = execution.task;
    try {
      if (await store.accepted.claim(activationId, attempt, lease.node)) return true;
    } catch (error) {
      lease.giveUp(activationId);
      log.error({ activationId, reason: messageOf(error) }, 'an accepted activation was not claimed');
    }
    execution.withdraw?.();
    return false;
  };
  const holds = { code: options.code, claim };
  const begin = (plan: ExecutionPlan): Execution => {
    const { cause } = plan.task;
    const whole = cause === undefined ? undefined : underWay.get(cause);
    const execution = new Execution(plan, holds, whole);
    // What is over gets no further parts.
    if (cause !== undefined && whole?.isOver !== false) execution.isOver = true;
    underWay.set(execution.task.activationId, execution);
    return execution;
  };
  const markRecorded = (execution: Execution) => {
    underWay.delete(execution.task.activationId);
    execution.recorded.reach();
  };
  const cancel = (execution: Execution) => {
    execution.release();
    markRecorded(execution);
  };
  const end = (execution: Execution, ending: Ending): ActivationRecord => {
    execution.isOver = true;
    execution.withdraw = undefined;
    const record = recordOf(execution.task, execution.frame, attempted(execution, ending));
    if (record.status === 'whisk internal error') tellFailure(log, execution.task, record);
    activations.expect(execution);
    keep(options, execution, record, ending.logs, markRecorded);
    return record;
  };
  const run = (execution: Execution) => runToEnd(options, execution, (ending) => end(execution, ending));
  const fail = (execution: Execution, text: string) => {
    if (execution.isWithdrawn) return cancel(execution);
    execution.release();
    end(execution, internalFailure(execution.task, text));
  };

  return {
    begin,
    cancel,
    run,
    fail,
    find: (activationId) => underWay.get(activationId),
    ofRequest: (namespace, transactionId) =>
      underWay
        .values()
        .find(
          ({ task }) =>
            task.transactionId === transactionId && task.namespace === namespace && task.cause === undefined,
        ),
    async enqueue(execution) {
      await accept(options, execution.task);
      execution.attempt = 0;
    },
    async enqueueUnderWay(execution) {
      // In one write: a kill between two would have the next start run again what has begun.
      const accepting = acceptUnderWay(options, execution, execution.hasBegun ? 1 : 0);
      execution.attempt = accepting;
      execution.attempt = await accepting;
      return execution.attempt !== null;
    },
    async runQueued(execution) {
      if (isDraining) return cancel(execution);
      await run(execution).catch((error) => fail(execution, messageOf(error)));
    },
    async drain(timeoutMs) {
      isDraining = true;
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
        else if (!execution.isOver) cancel(execution);
      }
      // A full disk takes no record; the durable queue still has the calls that clients were told of.
      if (!(await withTimeout(areRecorded, lastRecordsMs, () => false)))
        log.error({ records: underWay.size }, 'records could not be written before the end');
    },
  };
}

/** With the id that the caller has. What code of functions does wrong is in their records alone. */
function tellFailure(
  log: Log,
  { transactionId, activationId, namespace }: Task,
  record: ActivationRecord,
): void {
  log.warn(
    {
      transactionId,
      activationId,
      namespace,
      reason: 'value' in record.result ? record.result.value : undefined,
    },
    'an activation failed by the platform',
  );
}

/** Its record says when it was run again. */
function attempted({ attempt }: Execution, ending: Ending): Ending {
  return typeof attempt === 'number' && attempt > 1 ? { ...ending, attempt } : ending;
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

/** Its attempt in the durable queue; null: it is not there. */
async function acceptUnderWay(
  options: ExecutionsOptions,
  { task }: Execution,
  attempt: number,
): Promise<number | null> {
  try {
    await accept(options, task, attempt);
    return attempt;
  } catch (error) {
    const { activationId } = task;
    options.log.error({ activationId, reason: messageOf(error) }, 'a long run could not be made durable');
    return null;
  }
}

/** Hands a record to the store when its logs are read, or reading them is cut short. Then the execution ends. */
function keep(
  { store, namespaces, activations, onRecordLost, log }: ExecutionsOptions,
  execution: Execution,
  record: ActivationRecord,
  lines: Ending['logs'],
  markRecorded: (execution: Execution) => void,
): void {
  const { activationId, namespace } = execution.task;
  const arrive = () => {
    activations.arrived(activationId);
    execution.visible.reach();
  };
  const leave = () => {
    arrive();
    markRecorded(execution);
  };
  const lose = (error: unknown) => {
    log.error({ activationId, reason: messageOf(error) }, 'a record was not kept');
    // Of a namespace that is gone there is to be none.
    if (!isFault(error, 'STORE_NO_NAMESPACE')) onRecordLost?.();
    leave();
  };
  const shorten = (error: unknown, settles: number | null) => {
    if (settles === null || !isFault(error, 'STORE_BACKLOG')) return lose(error);
    const row = storedRecord(
      recordOf(execution.task, execution.frame, withoutResult(execution.task, record)),
    );
    store.activations.append({ row, logs: [], settles }).then(() => markRecorded(execution), lose);
  };
  const append = (logs: KeptLog, createdAt: number | undefined, settles: number | null) => {
    if (createdAt !== execution.namespaceCreatedAt) return leave();
    if (!execution.isRecorded) {
      if (settles !== null) store.accepted.settle(activationId, settles).catch(lose);
      return leave();
    }
    const { inputJson } = execution;
    const input = inputJson === undefined ? {} : { inputJson };
    const kept = store.activations.append({ row: storedRecord(record), logs, settles, ...input });
    arrive();
    kept.then(
      () => markRecorded(execution),
      (error) => shorten(error, settles),
    );
  };
  const write = (kept: KeptLog) => {
    if (execution.interrupt === undefined) return;
    execution.interrupt = undefined;
    const { attempt, namespaceCreatedAt } = execution;
    const createdAt = namespaceCreatedAt === undefined ? undefined : namespaces.createdAt(namespace);
    if (createdAt instanceof Promise || attempt instanceof Promise) {
      const known =
        createdAt instanceof Promise
          ? createdAt.catch(() => createdAtOnce(namespaces, namespace))
          : createdAt;
      Promise.all([known, attempt])
        .then((known) => append(kept, ...known))
        .catch(lose);
    } else append(kept, createdAt, attempt);
  };
  execution.interrupt = () => write([]);
  // When this turn's answers are on their way: whoever waits for one is served first.
  const writeOrLose = (kept: KeptLog) => {
    try {
      write(kept);
    } catch (error) {
      lose(error);
    }
  };
  lines
    .then((log) => {
      if (isLongLog(log)) return keptLog(log).then(writeOrLose);
      setImmediate(writeOrLose, log);
    })
    .catch(lose);
}

type KeptLog = ActivationWrite['logs'];

/** What stays of an ending that no longer fits in memory while the disk takes nothing. */
function withoutResult(task: Task, { status, start, end }: ActivationRecord): Ending {
  const text = `The activation ended (${status}), but its result and its log were lost: the disk took no records.`;
  return { ...internalFailure(task, text), startedAt: start, endedAt: end ?? start };
}

/** Asks until the disk can be read. */
async function createdAtOnce(
  namespaces: ExecutionsOptions['namespaces'],
  namespace: string,
): Promise<number | undefined> {
  for (;;) {
    try {
      return await namespaces.createdAt(namespace);
    } catch (error) {
      if (!mayPass(error)) throw error;
      await sleep(readAgainMs, undefined, { ref: false });
    }
  }
}
