/**
 * Hands the record of an ended execution to the store once its log is read, or once reading it is cut short. By then
 * the caller has its answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isLongLog, type PartialLog, partialOf } from '../../dispatch/index.ts';
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import { type ActivationWrite, mayPass, type Store } from '../../store/index.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import type { ActivationService } from './activations.ts';
import type { Execution } from './execution.ts';
import { keptLog } from './kept-log.ts';
import type { QueueLease } from './queue-lease.ts';
import {
  type ActivationEnd,
  type ActivationRecord,
  internalFailure,
  lostLogOf,
  recordOf,
  storedRecord,
  withPartialLog,
} from './record.ts';
import type { Task } from './task.ts';
import { callIds, traceIdOf } from './trace-context.ts';

/** What is known of a record after it was written. */
export interface KeptRecord extends Pick<ActivationRecord, 'namespace' | 'path' | 'activationId'> {
  readonly traceId: string | undefined;
}

export interface RecordKeeperOptions {
  readonly store: Pick<Store, 'activations' | 'accepted'>;
  readonly lease: Pick<QueueLease, 'giveUp'>;
  readonly namespaces: Pick<NamespaceService, 'createdAt'>;
  readonly activations: Pick<ActivationService, 'expect' | 'arrived'>;
  /** Called when its record is on disk, or when it leaves none. */
  readonly onRecorded: (execution: Execution) => void;
  /** Called when a record is on disk. Absent: nobody needs to know. */
  readonly onKept?: ((record: KeptRecord) => void) | undefined;
  /** Called for each activation that has run but leaves no record, though it should. */
  readonly onRecordLost?: () => void;
  readonly log: Log;
}

type KeptLog = ActivationWrite['logs'];

/** Pause before a failed read is retried. */
const readAgainMs = 1000;

export class RecordKeeper {
  readonly #options: RecordKeeperOptions;

  constructor(options: RecordKeeperOptions) {
    this.#options = options;
  }

  /** Returns at once. Until the store has the record, `execution.interrupt` writes it without its log. */
  keep(execution: Execution, record: ActivationRecord, log: ActivationEnd['log']): void {
    this.#options.activations.expect(execution);
    const writeWithoutLog = () => this.#write(execution, withoutLog(execution.task, record), []);
    execution.interrupt = writeWithoutLog;
    const write = (lines: KeptLog, partial?: PartialLog) =>
      this.#write(execution, withPartialLog(record, partial), lines);
    log
      .then((lines) => {
        if (isLongLog(lines)) return keptLog(lines).then((kept) => write(kept, lines.partial));
        // After this turn's answers, so that waiting callers are served first.
        setImmediate(write, lines);
      })
      .catch((error) => {
        this.#options.log.error(
          { ...callIds(execution.task), reason: messageOf(error) },
          'a log was not kept',
        );
        writeWithoutLog();
      });
  }

  /** Runs only once, because both the log and an interruption may come. */
  #write(execution: Execution, record: ActivationRecord, log: KeptLog): void {
    if (execution.interrupt === undefined) return;
    execution.interrupt = undefined;
    const { attempt, namespaceCreatedAt, task } = execution;
    const createdAt = namespaceCreatedAt === undefined ? undefined : this.#createdAt(task.namespace);
    if (createdAt instanceof Promise || attempt instanceof Promise) {
      Promise.all([createdAt, attempt])
        .then((known) => this.#settle(execution, record, log, ...known))
        .catch(async (error) => this.#refused(execution, record, await attempt, error));
    } else this.#settle(execution, record, log, createdAt, attempt);
  }

  /** @param createdAt of the namespace that has the name now; a later one must not get the record */
  #settle(
    execution: Execution,
    record: ActivationRecord,
    log: KeptLog,
    createdAt: number | undefined,
    attempt: number | null,
  ): void {
    if (createdAt !== execution.namespaceCreatedAt) this.#leave(execution);
    else if (execution.isRecorded) this.#append(execution, record, log, attempt);
    else {
      const { activationId, namespace, path, start, end, statusCode, usage } = record;
      const call = { activationId, namespace, path, start, end, statusCode, usage, settles: attempt };
      this.#options.store.activations
        .addUnrecorded(call)
        .catch((error) => this.#refused(execution, record, attempt, error));
      this.#leave(execution);
    }
  }

  #append(execution: Execution, record: ActivationRecord, logs: KeptLog, settles: number | null): void {
    const { store, onRecorded, onKept } = this.#options;
    const { inputJson } = execution;
    const input = inputJson === undefined ? {} : { inputJson };
    let kept: Promise<unknown>;
    try {
      kept = store.activations.append({ row: storedRecord(record), logs, settles, ...input });
    } catch (error) {
      this.#refused(execution, record, settles, error);
      return;
    }
    this.#arrive(execution);
    const traceId = traceIdOf(execution.task);
    // Only these, so that a large result can be freed.
    const { namespace, path, activationId } = record;
    kept.then(
      () => {
        onRecorded(execution);
        onKept?.({ namespace, path, activationId, traceId });
      },
      (error) => this.#refused(execution, record, settles, error),
    );
  }

  /** An accepted call must end with a record, whatever is wrong with its own. */
  #refused(execution: Execution, record: ActivationRecord, settles: number | null, error: unknown): void {
    if (settles === null || isOfDeleted(error) || isFault(error, 'STORE_CLOSED'))
      this.#lose(execution, settles, error);
    else if (!execution.isRecorded) this.#settleAlone(execution, settles, error);
    else this.#appendShortened(execution, record, settles, error);
  }

  /** A small record that settles a call is taken even while the disk accepts no writes. */
  #appendShortened(execution: Execution, record: ActivationRecord, settles: number, why: unknown): void {
    const { store, onRecorded, log } = this.#options;
    const { task, frame } = execution;
    log.error({ ...callIds(task), reason: messageOf(why) }, 'a record is kept without its result and log');
    const row = storedRecord(withoutLog(task, recordOf(task, frame, withoutResult(task, record, why))));
    store.activations.append({ row, logs: [], settles }).then(
      () => onRecorded(execution),
      (error) => {
        if (isFault(error, 'STORE_DUPLICATE')) this.#settleAlone(execution, settles, error);
        else this.#lose(execution, settles, error);
      },
    );
  }

  /** Takes a call out of the queue that has its record already, or leaves none. */
  #settleAlone(execution: Execution, settles: number, why: unknown): void {
    const { store, log } = this.#options;
    const { activationId } = execution.task;
    log.error(
      { ...callIds(execution.task), reason: messageOf(why) },
      'an ended call gets no record of its own',
    );
    store.accepted.settle(activationId, settles).then(
      () => this.#leave(execution),
      (error) => this.#lose(execution, settles, error),
    );
  }

  /** Without a record here. An accepted call goes back to the queue, where it is begun again only if it may be. */
  #lose(execution: Execution, settles: number | null, error: unknown): void {
    const { log, lease, onRecordLost } = this.#options;
    const isQueued = settles !== null && !isOfDeleted(error);
    const what = isQueued
      ? 'a record was not kept, and its call stays in the queue'
      : 'a record was not kept';
    log.error({ ...callIds(execution.task), reason: messageOf(error) }, what);
    if (isQueued) lease.giveUp(execution.task.activationId);
    else if (!isOfDeleted(error)) onRecordLost?.();
    this.#leave(execution);
  }

  #leave(execution: Execution): void {
    this.#arrive(execution);
    this.#options.onRecorded(execution);
  }

  #arrive(execution: Execution): void {
    this.#options.activations.arrived(execution.task.activationId);
    execution.visible.reach();
  }

  #createdAt(namespace: string): number | undefined | Promise<number | undefined> {
    try {
      const createdAt = this.#options.namespaces.createdAt(namespace);
      return createdAt instanceof Promise ? createdAt.catch(() => this.#createdAtOnce(namespace)) : createdAt;
    } catch {
      // It throws at once while the database has not been read for too long.
      return this.#createdAtOnce(namespace);
    }
  }

  /** Retries until the database can be read. */
  async #createdAtOnce(namespace: string): Promise<number | undefined> {
    for (;;) {
      try {
        return await this.#options.namespaces.createdAt(namespace);
      } catch (error) {
        if (!mayPass(error) && !isFault(error, 'AUTHENTICATION_STALE')) throw error;
        await sleep(readAgainMs, undefined, { ref: false });
      }
    }
  }
}

/** A deleted namespace leaves no records, and nothing in the queue. */
function isOfDeleted(error: unknown): boolean {
  return isFault(error, 'STORE_NO_NAMESPACE');
}

/** Says that the log, which was not read to its end, is lost. */
function withoutLog(task: Task, record: ActivationRecord): ActivationRecord {
  return withPartialLog(record, partialOf(lostLogOf(task)));
}

/** Replaces the result and the log, which the database refused or which no longer fit in memory. */
function withoutResult(task: Task, { status, start, end }: ActivationRecord, why: unknown): ActivationEnd {
  const cause = isFault(why, 'STORE_BACKLOG') ? 'the disk took no records' : 'the database refused them';
  const text = `The activation ended (${status}), but its result and its log were lost: ${cause}.`;
  return { ...internalFailure(task, text), startedAt: start, endedAt: end ?? start };
}
