/**
 * Activations under way: each is run once, and ends in a record in the store.
 *
 * A flight takes off with its admission and a hold on its code, and lands when its record is kept. One whose
 * caller was told "accepted" is in the durable queue: it is claimed there when it is handed over to a sandbox, and
 * its record settles it. At shutdown, what was accepted and has not begun stays in the queue for the next start;
 * what has begun and does not land in time is recorded as interrupted, or stays too where its action may be retried.
 *
 * Every call comes through here, and what lives until its record is on disk is what the garbage collector has
 * to move: so a flight makes few promises, and what is known already is not awaited.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isLongLog } from '../../dispatch/index.ts';
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import { type ActivationWrite, mayPass, type Store } from '../../store/index.ts';
import type { CodeStore } from '../actions/code-store.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import type { Vault } from '../vault/vault.ts';
import { toQueue } from './accepted-task.ts';
import { type ActivationService, within } from './activations.ts';
import { type Departure, Flight } from './flight.ts';
import { keptLog } from './kept-log.ts';
import type { QueueLease } from './queue-lease.ts';
import { type ActivationRecord, type Ending, internalFailure, recordOf, storedRecord } from './record.ts';
import { type RunOptions, runToEnd } from './running.ts';
import type { Task } from './task.ts';

export interface FlightsOptions extends RunOptions {
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

export interface Flights {
  /** Holds a task's place until it is run or cancelled. */
  begin(departure: Departure): Flight;
  find(activationId: string): Flight | undefined;
  /** The activation that a request has begun, not those that it consists of. */
  ofRequest(namespace: string, transactionId: string): Flight | undefined;
  /** Ends a flight that was never run and leaves no record. */
  cancel(flight: Flight): void;
  /** Makes it durable before it is started. Rejects when it can't. */
  enqueue(flight: Flight): Promise<void>;
  /** Makes a flight durable that runs, or waits to; false: it could not, and the flight goes on. */
  enqueueUnderWay(flight: Flight): Promise<boolean>;
  /**
   * Runs it and gives its record, which is kept in the background: its logs may still be on their way.
   * Rejects, without a record, when it could not be run.
   */
  run(flight: Flight): Promise<ActivationRecord>;
  /** Runs a flight that the durable queue has to its record, or leaves it there when it can't be begun now. Never rejects. */
  runQueued(flight: Flight): Promise<void>;
  /** Ends a flight with a record that says why it could not be run; without one when it was withdrawn. */
  fail(flight: Flight, text: string): void;
  /**
   * Leaves to the next start what was accepted and has not begun, and waits for the others to land; ends those that
   * don't in time, and answers their callers.
   */
  drain(timeoutMs: number): Promise<void>;
}

/** Until a read that failed is tried again. */
const readAgainMs = 1000;
/** To write the records of what was interrupted. */
const lastRecordsMs = 5000;

export function createFlights(options: FlightsOptions): Flights {
  const { store, lease, activations, log } = options;
  const underWay = new Map<string, Flight>();
  let isDraining = false;

  const claim = async (flight: Flight, attempt: number): Promise<boolean> => {
    const { activationId } = flight.task;
    try {
      if (await store.accepted.claim(activationId, attempt, lease.node)) return true;
    } catch (error) {
      lease.giveUp(activationId);
      log.error({ activationId, reason: messageOf(error) }, 'an accepted activation was not claimed');
    }
    flight.withdraw?.();
    return false;
  };
  const holds = { code: options.code, claim };
  const begin = (departure: Departure): Flight => {
    const { cause } = departure.task;
    const whole = cause === undefined ? undefined : underWay.get(cause);
    const flight = new Flight(departure, holds, whole);
    // What is over gets no further parts.
    if (cause !== undefined && whole?.isOver !== false) flight.isOver = true;
    underWay.set(flight.task.activationId, flight);
    return flight;
  };
  const land = (flight: Flight) => {
    underWay.delete(flight.task.activationId);
    flight.landed.reach();
  };
  const cancel = (flight: Flight) => {
    flight.release();
    land(flight);
  };
  const end = (flight: Flight, ending: Ending): ActivationRecord => {
    flight.isOver = true;
    flight.withdraw = undefined;
    const record = recordOf(flight.task, flight.frame, attempted(flight, ending));
    if (record.status === 'whisk internal error') tellFailure(log, flight.task, record);
    activations.expect(flight);
    keep(options, flight, record, ending.logs, land);
    return record;
  };
  const run = (flight: Flight) => runToEnd(options, flight, (ending) => end(flight, ending));
  const fail = (flight: Flight, text: string) => {
    if (flight.isWithdrawn) return cancel(flight);
    flight.release();
    end(flight, internalFailure(flight.task, text));
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
    async enqueue(flight) {
      await accept(options, flight.task);
      flight.attempt = 0;
    },
    async enqueueUnderWay(flight) {
      // In one write: a kill between two would have the next start run again what has begun.
      const accepting = acceptUnderWay(options, flight, flight.hasBegun ? 1 : 0);
      flight.attempt = accepting;
      flight.attempt = await accepting;
      return flight.attempt !== null;
    },
    async runQueued(flight) {
      if (isDraining) return cancel(flight);
      await run(flight).catch((error) => fail(flight, messageOf(error)));
    },
    async drain(timeoutMs) {
      isDraining = true;
      for (const flight of underWay.values())
        if (!flight.hasBegun && flight.canWait && !flight.needsThisProcess) flight.withdraw?.();
      const landings = [...underWay.values()].map(({ landed }) => landed.reached());
      if (landings.length === 0 || (await within(Promise.all(landings), timeoutMs))) return;
      await within(Promise.all([...underWay.values()].map((flight) => flight.settled())), lastRecordsMs);
      for (const flight of underWay.values()) {
        if (flight.canWait && flight.withdraw !== undefined) flight.withdraw();
        else if (flight.interrupt !== undefined) flight.interrupt();
        else if (!flight.isOver) cancel(flight);
      }
      // A full disk takes no record; the durable queue still has the calls that clients were told of.
      if (!(await within(Promise.all(landings), lastRecordsMs)))
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
function attempted({ attempt }: Flight, ending: Ending): Ending {
  return typeof attempt === 'number' && attempt > 1 ? { ...ending, attempt } : ending;
}

async function accept({ store, lease, vault }: FlightsOptions, task: Task, attempt = 0): Promise<void> {
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
  options: FlightsOptions,
  { task }: Flight,
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

/** Hands a record to the store when its logs are read, or reading them is cut short. Then the flight lands. */
function keep(
  { store, namespaces, activations, onRecordLost, log }: FlightsOptions,
  flight: Flight,
  record: ActivationRecord,
  lines: Ending['logs'],
  land: (flight: Flight) => void,
): void {
  const { activationId, namespace } = flight.task;
  const arrive = () => {
    activations.arrived(activationId);
    flight.visible.reach();
  };
  const leave = () => {
    arrive();
    land(flight);
  };
  const lose = (error: unknown) => {
    log.error({ activationId, reason: messageOf(error) }, 'a record was not kept');
    // Of a namespace that is gone there is to be none.
    if (!isFault(error, 'STORE_NO_NAMESPACE')) onRecordLost?.();
    leave();
  };
  const shorten = (error: unknown, settles: number | null) => {
    if (settles === null || !isFault(error, 'STORE_BACKLOG')) return lose(error);
    const row = storedRecord(recordOf(flight.task, flight.frame, withoutResult(flight.task, record)));
    store.activations.append({ row, logs: [], settles }).then(() => land(flight), lose);
  };
  const append = (logs: KeptLog, createdAt: number | undefined, settles: number | null) => {
    if (createdAt !== flight.namespaceCreatedAt) return leave();
    if (!flight.isRecorded) {
      if (settles !== null) store.accepted.settle(activationId, settles).catch(lose);
      return leave();
    }
    const { inputJson } = flight;
    const input = inputJson === undefined ? {} : { inputJson };
    const kept = store.activations.append({ row: storedRecord(record), logs, settles, ...input });
    arrive();
    kept.then(
      () => land(flight),
      (error) => shorten(error, settles),
    );
  };
  const write = (kept: KeptLog) => {
    if (flight.interrupt === undefined) return;
    flight.interrupt = undefined;
    const { attempt, namespaceCreatedAt } = flight;
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
  flight.interrupt = () => write([]);
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
  namespaces: FlightsOptions['namespaces'],
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
