/**
 * Activations under way: each is run once, and ends in a record in the store.
 *
 * A flight takes off with its admission and a hold on its code, and lands when its record is kept. One whose
 * caller was told "accepted" is in the durable queue, and its record settles it there. At shutdown, what has
 * not landed in time is recorded as interrupted; what was accepted but never started stays in the queue for
 * the next start.
 */
import type { Admission, Completion, Invoker, Job } from '../invoker/index.ts';
import { type Log, messageOf } from '../lib/index.ts';
import type { AcceptedQueue, Store } from '../store/index.ts';
import { toQueue } from './accepted-job.ts';
import { type ActivationService, within } from './activations.ts';
import type { CodeStore } from './code-store.ts';
import type { NamespaceService } from './namespaces.ts';
import { type ActivationRecord, internalFailure, recordOf, rowOfRecord } from './record.ts';

export interface FlightsOptions {
  readonly store: Pick<Store, 'activations' | 'accepted'>;
  readonly invoker: Pick<Invoker, 'run'>;
  readonly code: Pick<CodeStore, 'retain' | 'release'>;
  readonly namespaces: Pick<NamespaceService, 'createdAt'>;
  readonly activations: Pick<ActivationService, 'expect'>;
  readonly log: Log;
}

export interface Departure {
  readonly job: Job;
  /** Tells its namespace from a later one of the same name, which must not get its record. */
  readonly namespaceCreatedAt?: number;
  readonly admission?: Admission;
  /** Of its row, if the durable queue has it already. */
  readonly attempt?: number;
}

export interface Flight {
  readonly job: Job;
  readonly namespaceCreatedAt: number | undefined;
  /** Ends its admission and its hold on the code. Idempotent. */
  readonly release: () => void;
  /** Settles when reads see its record, or it leaves none. */
  readonly visible: PromiseWithResolvers<void>;
  /** Settles when its record is on disk, or it leaves none. */
  readonly landed: PromiseWithResolvers<void>;
  /** The attempt in the durable queue that its record settles; null while nobody was told "accepted". */
  attempt: Promise<number | null>;
  started: boolean;
  /** Ends it with this completion, whatever else it still brings. */
  readonly interruption: PromiseWithResolvers<Completion>;
}

/** How a flight ended; its logs may still be on their way. */
export interface Ended {
  readonly record: ActivationRecord;
  readonly resultJson: string;
}

export interface Flights {
  /** Holds a job's place until it is run or cancelled. */
  begin(departure: Departure): Flight;
  isUnderWay(activationId: string): boolean;
  /** Ends a flight that was never run and leaves no record. */
  cancel(flight: Flight): void;
  /** Makes it durable before it is started. Rejects when it can't. */
  enqueue(flight: Flight): Promise<void>;
  /** Makes a flight durable that was started already; it goes on when that fails. */
  enqueueStarted(flight: Flight): Promise<void>;
  /** Runs it; its record is kept in the background. Rejects, without a record, when it could not be run. */
  run(flight: Flight): Promise<Ended>;
  /** Claims a flight that the durable queue has, and runs it to its record. Never rejects. */
  runQueued(flight: Flight): Promise<void>;
  /** Ends a flight with a record that says why it could not be run. */
  fail(flight: Flight, text: string): void;
  /** Waits for all flights to land; ends those that don't in time, and answers their callers. */
  drain(timeoutMs: number): Promise<void>;
}

const interrupted = 'The activation was interrupted because the platform stopped before it ended.';

export function createFlights(options: FlightsOptions): Flights {
  const { store, invoker, log } = options;
  const underWay = new Map<string, Flight>();

  const begin = (departure: Departure): Flight => {
    const flight = takeOff(options, departure);
    const { activationId } = flight.job;
    underWay.set(activationId, flight);
    void flight.landed.promise.then(() => underWay.delete(activationId));
    return flight;
  };
  const cancel = (flight: Flight) => {
    flight.release();
    flight.landed.resolve();
  };
  const end = (flight: Flight, completion: Completion): Ended => {
    const record = recordOf(flight.job, completion);
    void keep(options, flight, record, completion.logs);
    options.activations.expect(record.namespace, record.activationId, flight.visible.promise);
    return { record, resultJson: completion.json };
  };
  const run = async (flight: Flight): Promise<Ended> => {
    flight.started = true;
    try {
      return end(flight, await Promise.race([invoker.run(flight.job), flight.interruption.promise]));
    } finally {
      flight.release();
    }
  };
  const fail = (flight: Flight, text: string) => {
    flight.release();
    end(flight, internalFailure(flight.job, text));
  };

  return {
    begin,
    cancel,
    run,
    fail,
    isUnderWay: (activationId) => underWay.has(activationId),
    async enqueue(flight) {
      await accept(store.accepted, flight.job);
      flight.attempt = Promise.resolve(0);
    },
    async enqueueStarted(flight) {
      flight.attempt = acceptStarted(options, flight.job);
      await flight.attempt;
    },
    async runQueued(flight) {
      const { activationId } = flight.job;
      try {
        if (!(await store.accepted.claim(activationId, 0))) return cancel(flight);
        flight.attempt = Promise.resolve(1);
      } catch (error) {
        log.error({ activationId, reason: messageOf(error) }, 'an accepted activation was not claimed');
        return cancel(flight);
      }
      await run(flight).catch((error) => fail(flight, messageOf(error)));
    },
    async drain(timeoutMs) {
      const landings = [...underWay.values()].map(({ landed }) => landed.promise);
      if (landings.length === 0 || (await within(Promise.all(landings), timeoutMs))) return;
      for (const flight of underWay.values()) {
        if (flight.started) flight.interruption.resolve(internalFailure(flight.job, interrupted));
        else cancel(flight);
      }
      await Promise.all(landings);
    },
  };
}

function takeOff({ code }: FlightsOptions, departure: Departure): Flight {
  const { job, namespaceCreatedAt, attempt = null } = departure;
  let held = true;
  code.retain(job.code.digest);
  return {
    job,
    namespaceCreatedAt,
    release() {
      if (!held) return;
      held = false;
      departure.admission?.release();
      code.release(job.code.digest);
    },
    visible: Promise.withResolvers(),
    landed: Promise.withResolvers(),
    attempt: Promise.resolve(attempt),
    started: false,
    interruption: Promise.withResolvers(),
  };
}

async function accept(queue: AcceptedQueue, job: Job): Promise<void> {
  const { activationId, namespace, acceptedAt } = job;
  await queue.accept({ activationId, namespace, acceptedAt, job: toQueue(job) });
}

async function acceptStarted({ store, log }: FlightsOptions, job: Job): Promise<number | null> {
  const { activationId } = job;
  try {
    await accept(store.accepted, job);
    return (await store.accepted.claim(activationId, 0)) ? 1 : null;
  } catch (error) {
    log.error({ activationId, reason: messageOf(error) }, 'a long run could not be made durable');
    return null;
  }
}

async function keep(
  { store, namespaces, log }: FlightsOptions,
  flight: Flight,
  record: ActivationRecord,
  lines: Completion['logs'],
): Promise<void> {
  const { job } = flight;
  try {
    const logs = await Promise.race([lines, flight.interruption.promise.then(() => [])]);
    const { namespaceCreatedAt } = flight;
    if (namespaceCreatedAt !== undefined) {
      if ((await namespaces.createdAt(job.namespace)) !== namespaceCreatedAt) return;
    }
    const settles = await flight.attempt;
    const kept = store.activations.append({ row: rowOfRecord(job, record), logs, settles });
    flight.visible.resolve();
    await kept;
  } catch (error) {
    log.error({ activationId: job.activationId, reason: messageOf(error) }, 'a record was not kept');
  } finally {
    flight.visible.resolve();
    flight.landed.resolve();
  }
}
