/**
 * Group commit: writes that arrive while the disk is busy go together into the next transaction, so that one fsync
 * makes all of them durable.
 *
 * A batch starts when 500 units wait, when the oldest has waited 25 ms, or at the end of this turn of the event loop
 * when an urgent one arrived or a caller waits for a flush. Batches are sent one at a time, in the order of
 * submission. Waiting writes are in memory; callers await `room`, so that they stay bounded.
 *
 * While the disk takes no writes, lasting ones wait in memory, within bounds, and are retried until the disk takes
 * them. The trouble lasts from the first failed batch to the first that succeeds; when nothing waits, a probe is
 * written.
 */
import { type Fault, isFault, messageOf } from '../lib/index.ts';
import { isLongText, type RunBatch, type SqlValue, type Unit } from './batch.ts';
import { mayPass, storeFault } from './faults.ts';
import type { Recording, RecordingTrouble } from './types/store.ts';

export interface GroupWriter {
  /** Settles when the unit is on disk, with the number of its steps that changed a row. */
  submit(write: GroupWrite): Promise<number>;
  /** Settles when everything submitted so far is on disk, or its promise is rejected. */
  flush(): Promise<void>;
  /** Flushes if a write of that namespace is not on disk yet. */
  flushNamespace(namespace: string): Promise<void>;
  /**
   * Undefined while less than the memory limit waits, or while nothing can be written; else settles when that becomes
   * true.
   */
  room(): Promise<void> | undefined;
  readonly recording: Recording;
}

export interface GroupWriterOptions {
  /** Written while the disk takes no writes and nothing waits: it changes a page without other effects. */
  readonly probe?: Unit;
  /** Called at the start and at the end of a trouble. */
  readonly onRecording?: ((trouble: RecordingTrouble | undefined) => void) | undefined;
}

export interface GroupWrite {
  readonly namespace: string;
  readonly unit: Unit;
  /** A caller waits for it, so it is not held back. */
  readonly urgent: boolean;
  /** Waits in memory while the disk takes no writes, instead of being refused. */
  readonly lasting?: boolean;
  /** Waits even beyond the memory limit if it is small: the number of running requests bounds their number. */
  readonly essential?: boolean;
}

interface Flush {
  left: number;
  readonly done: () => void;
  readonly failed: (fault: Fault) => void;
}

/** Number of units of a namespace that are not on disk. */
interface Tally {
  readonly namespace: string;
  unsettled: number;
}

interface Entry {
  readonly tally: Tally;
  readonly unit: Unit;
  readonly chars: number;
  readonly lasting: boolean;
  readonly resolve: (changed: number) => void;
  readonly reject: (reason: unknown) => void;
}

const gatherMs = 25;
const troubleRetryMs = 250;
const gatherUnits = 500;
/** Limits of one transaction, so that reads get their turn and messages to the thread stay small. */
const batchUnits = 500;
const batchChars = 8 * 1024 * 1024;
/** Limit of a retried batch, which goes to the thread several times a second. */
const retriedChars = 1024 * 1024;
/** Limits of waiting writes, before `room` makes callers wait and during a trouble: UTF-16 units of text, and units. */
const roomChars = 32 * 1024 * 1024;
const roomUnits = 50_000;
/** Overhead of an entry in addition to its text. */
const overheadChars = 100;
/** An essential entry up to this size always waits. */
const smallChars = 16 * 1024;
/** No namespace has this name. */
const probeNamespace = '\0';

export function groupWriter(run: RunBatch, options: GroupWriterOptions = {}): GroupWriter {
  return new Writer(run, options);
}

class Writer implements GroupWriter {
  readonly recording: Recording;
  readonly #run: RunBatch;
  readonly #options: GroupWriterOptions;
  #queue: Entry[] = [];
  /** Pending units by namespace. */
  readonly #tallies = new Map<string, Tally>();
  #unsettledChars = 0;
  #unsettledUnits = 0;
  #timer: NodeJS.Timeout | undefined;
  #soon = false;
  /** Units at the head of the queue that must not be held back. */
  #pressing = 0;
  #writing = false;
  #flushes: Flush[] = [];
  #trouble: RecordingTrouble | undefined;
  #roomWaiters: (() => void)[] = [];

  constructor(run: RunBatch, options: GroupWriterOptions) {
    this.#run = run;
    this.#options = options;
    this.recording = { trouble: () => this.#trouble, waiting: () => this.#unsettledUnits };
  }

  submit(write: GroupWrite): Promise<number> {
    const { unit } = write;
    const chars = charsOf(unit);
    if (this.#trouble !== undefined && !this.#mayWait(write, chars)) return Promise.reject(backlog());
    const tally = this.#tallyOf(write.namespace);
    tally.unsettled++;
    this.#unsettledChars += chars;
    this.#unsettledUnits++;
    return new Promise((resolve, reject) => {
      this.#queue.push({ tally, unit, chars, lasting: write.lasting ?? false, resolve, reject });
      if (write.urgent) this.#press();
      else this.#schedule();
    });
  }

  async flush(): Promise<void> {
    if (this.#trouble !== undefined) throw this.#trouble.fault;
    if (this.#unsettledUnits === 0) return;
    await new Promise<void>((done, failed) => {
      this.#flushes.push({ left: this.#unsettledUnits, done, failed });
      this.#press();
    });
  }

  async flushNamespace(namespace: string): Promise<void> {
    if (this.#tallies.has(namespace)) await this.flush();
  }

  room(): Promise<void> | undefined {
    return this.#hasRoom() ? undefined : this.#untilRoom();
  }

  async #untilRoom(): Promise<void> {
    while (!this.#hasRoom()) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
  }

  #tallyOf(namespace: string): Tally {
    let tally = this.#tallies.get(namespace);
    if (tally === undefined) {
      tally = { namespace, unsettled: 0 };
      this.#tallies.set(namespace, tally);
    }
    return tally;
  }

  #hasRoom(): boolean {
    if (this.#trouble !== undefined) return true;
    return this.#unsettledChars < roomChars && this.#unsettledUnits < roomUnits;
  }

  /** Whether a write may wait during a trouble. */
  #mayWait({ essential = false }: GroupWrite, chars: number): boolean {
    if (essential && chars <= smallChars) return true;
    return this.#unsettledChars + chars <= roomChars && this.#unsettledUnits < roomUnits;
  }

  #press(): void {
    this.#pressing = this.#queue.length;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#writing || this.#queue.length === 0) return;
    if (this.#trouble !== undefined) this.#timer ??= setTimeout(() => this.#write(), troubleRetryMs);
    else if (this.#pressing > 0 || this.#queue.length >= gatherUnits) {
      if (this.#soon) return;
      this.#soon = true;
      setImmediate(() => {
        this.#soon = false;
        this.#write();
      });
    } else this.#timer ??= setTimeout(() => this.#write(), gatherMs);
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing || this.#queue.length === 0) return;
    this.#writing = true;
    const batch = this.#take();
    this.#run(batch.map((entry) => entry.unit)).then(
      (outcomes) => {
        this.#recovered();
        this.#settled(batch);
        batch.forEach(({ resolve, reject }, index) => {
          const outcome = outcomes[index] ?? 0;
          if (isFault(outcome)) reject(outcome);
          else resolve(outcome);
        });
      },
      (error: unknown) => this.#failed(batch, error),
    );
  }

  /** Puts lasting entries back to the head of the queue, unless they would fail again. */
  #failed(batch: readonly Entry[], error: unknown): void {
    const again = mayPass(error) ? batch.filter(({ lasting }) => lasting) : [];
    const refused = mayPass(error) ? batch.filter(({ lasting }) => !lasting) : batch;
    this.#queue = [...again, ...this.#queue];
    this.#pressing = 0;
    this.#troubled(error);
    this.#settled(refused);
    for (const entry of refused) entry.reject(error);
  }

  #troubled(error: unknown): void {
    const fault = isFault(error) ? error : storeFault('STORE_FAILED', messageOf(error), { cause: error });
    if (fault.code === 'STORE_CLOSED') {
      this.#trouble = undefined;
      return;
    }
    const isNew = this.#trouble === undefined;
    this.#trouble = { since: this.#trouble?.since ?? Date.now(), fault };
    for (const { failed } of this.#flushes.splice(0)) failed(fault);
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
    if (isNew) this.#options.onRecording?.(this.#trouble);
  }

  #recovered(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#options.onRecording?.(undefined);
  }

  /** Writes a probe if nothing waits, until the disk takes a write again. */
  #probe(): void {
    const { probe } = this.#options;
    if (this.#trouble === undefined || this.#queue.length > 0 || probe === undefined) return;
    this.submit({
      namespace: probeNamespace,
      unit: probe,
      urgent: false,
      lasting: true,
      essential: true,
    }).catch(() => {});
  }

  #take(): readonly Entry[] {
    let count = 0;
    let chars = 0;
    const most = this.#trouble === undefined ? batchChars : retriedChars;
    for (const entry of this.#queue) {
      if (count === batchUnits || (count > 0 && chars + entry.chars > most)) break;
      count++;
      chars += entry.chars;
    }
    const batch = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    this.#pressing = Math.max(0, this.#pressing - count);
    return batch;
  }

  #settled(batch: readonly Entry[]): void {
    this.#writing = false;
    for (const { tally, chars } of batch) {
      this.#unsettledChars -= chars;
      if (--tally.unsettled === 0) this.#tallies.delete(tally.namespace);
    }
    this.#unsettledUnits -= batch.length;
    for (const flush of this.#flushes) flush.left -= batch.length;
    for (const flush of this.#flushes) if (flush.left <= 0) flush.done();
    this.#flushes = this.#flushes.filter((flush) => flush.left > 0);
    if (this.#hasRoom()) for (const resolve of this.#roomWaiters.splice(0)) resolve();
    this.#probe();
    this.#schedule();
  }
}

function backlog(): Fault {
  return storeFault('STORE_BACKLOG', 'too many writes wait in memory for the disk', {
    hint: 'Check why the disk of the data folder takes no writes.',
    retryAfterMs: 5000,
  });
}

function charsOf(unit: Unit): number {
  let chars = overheadChars;
  for (const { values } of unit) for (const value of values) chars += lengthOf(value);
  return chars;
}

function lengthOf(value: SqlValue): number {
  if (isLongText(value)) return value.pieces.reduce((sum, { length }) => sum + length, 0);
  return typeof value === 'string' ? value.length : 8;
}
