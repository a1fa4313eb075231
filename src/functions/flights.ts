/**
 * Activations under way: each is run once, and ends in a record in the store.
 *
 * A flight takes off with its admission and a hold on its code, and lands when its record is kept. One whose
 * caller was told "accepted" is in the durable queue, and its record settles it there. At shutdown, what has
 * not landed in time is recorded as interrupted; what was accepted but never started stays in the queue for
 * the next start.
 *
 * Every call comes through here, and what lives until its record is on disk is what the garbage collector has
 * to move: so a flight makes few promises, and what is known already is not awaited.
 */
import type { Completion, Invoker, Job } from '../invoker/index.ts';
import { type Log, messageOf } from '../lib/index.ts';
import type { AcceptedQueue, Store } from '../store/index.ts';
import { toQueue } from './accepted-job.ts';
import { type ActivationService, within } from './activations.ts';
import type { CodeStore } from './code-store.ts';
import { type Departure, Flight } from './flight.ts';
import type { NamespaceService } from './namespaces.ts';
import { type ActivationRecord, internalFailure, recordOf } from './record.ts';

export interface FlightsOptions {
  readonly store: Pick<Store, 'activations' | 'accepted'>;
  readonly invoker: Pick<Invoker, 'run'>;
  readonly code: Pick<CodeStore, 'retain' | 'release'>;
  readonly namespaces: Pick<NamespaceService, 'createdAt'>;
  readonly activations: Pick<ActivationService, 'expect' | 'arrived'>;
  readonly log: Log;
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
  /**
   * Runs it and gives its record, which is kept in the background: its logs may still be on their way.
   * Rejects, without a record, when it could not be run.
   */
  run(flight: Flight): Promise<ActivationRecord>;
  /** Claims a flight that the durable queue has, and runs it to its record. Never rejects. */
  runQueued(flight: Flight): Promise<void>;
  /** Ends a flight with a record that says why it could not be run. */
  fail(flight: Flight, text: string): void;
  /** Waits for all flights to land; ends those that don't in time, and answers their callers. */
  drain(timeoutMs: number): Promise<void>;
}

const interrupted = 'The activation was interrupted because the platform stopped before it ended.';

export function createFlights(options: FlightsOptions): Flights {
  const { store, invoker, activations, log } = options;
  const underWay = new Map<string, Flight>();

  const begin = (departure: Departure): Flight => {
    const flight = new Flight(departure, options.code);
    underWay.set(flight.job.activationId, flight);
    return flight;
  };
  const land = (flight: Flight) => {
    underWay.delete(flight.job.activationId);
    flight.landed.reach();
  };
  const cancel = (flight: Flight) => {
    flight.release();
    land(flight);
  };
  const end = (flight: Flight, completion: Completion): ActivationRecord => {
    const record = recordOf(flight.job, flight.frame, completion);
    activations.expect(flight);
    keep(options, flight, record, completion.logs, land);
    return record;
  };
  const run = (flight: Flight) => {
    flight.started = true;
    return runToEnd(invoker, flight, (completion) => end(flight, completion));
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
      flight.attempt = 0;
    },
    async enqueueStarted(flight) {
      flight.attempt = acceptStarted(options, flight.job);
      await flight.attempt;
    },
    async runQueued(flight) {
      const { activationId } = flight.job;
      try {
        if (!(await store.accepted.claim(activationId, 0))) return cancel(flight);
        flight.attempt = 1;
      } catch (error) {
        log.error({ activationId, reason: messageOf(error) }, 'an accepted activation was not claimed');
        return cancel(flight);
      }
      await run(flight).catch((error) => fail(flight, messageOf(error)));
    },
    async drain(timeoutMs) {
      const landings = [...underWay.values()].map(({ landed }) => landed.reached());
      if (landings.length === 0 || (await within(Promise.all(landings), timeoutMs))) return;
      for (const flight of underWay.values()) {
        if (flight.started) flight.interrupt?.();
        else cancel(flight);
      }
      await Promise.all(landings);
    },
  };
}

/** Ends the flight once, by what the invoker says or by an interruption, and releases it. */
function runToEnd(
  invoker: Pick<Invoker, 'run'>,
  flight: Flight,
  end: (completion: Completion) => ActivationRecord,
): Promise<ActivationRecord> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const finish = (completion: Completion) => {
      if (isOver) return;
      isOver = true;
      resolve(end(completion));
      flight.release();
    };
    const refuse = (error: unknown) => {
      isOver = true;
      flight.release();
      reject(error);
    };
    flight.interrupt = () => finish(internalFailure(flight.job, interrupted));
    try {
      invoker.run(flight.job).then(finish).catch(refuse);
    } catch (error) {
      refuse(error);
    }
  });
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

/** Hands a record to the store when its logs are read, or reading them is cut short. Then the flight lands. */
function keep(
  { store, namespaces, activations, log }: FlightsOptions,
  flight: Flight,
  record: ActivationRecord,
  lines: Completion['logs'],
  land: (flight: Flight) => void,
): void {
  const { activationId, namespace } = flight.job;
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
    leave();
  };
  const append = (logs: readonly string[], createdAt: number | undefined, settles: number | null) => {
    if (createdAt !== flight.namespaceCreatedAt) return leave();
    const kept = store.activations.append({ row: record, logs, settles });
    arrive();
    kept.then(() => land(flight), lose);
  };
  const write = (logs: readonly string[]) => {
    if (flight.interrupt === undefined) return;
    flight.interrupt = undefined;
    const { attempt, namespaceCreatedAt } = flight;
    const createdAt = namespaceCreatedAt === undefined ? undefined : namespaces.createdAt(namespace);
    if (createdAt instanceof Promise || attempt instanceof Promise) {
      Promise.all([createdAt, attempt])
        .then((known) => append(logs, ...known))
        .catch(lose);
    } else append(logs, createdAt, attempt);
  };
  flight.interrupt = () => write([]);
  lines.then(write).catch(lose);
}
