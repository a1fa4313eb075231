/**
 * Resumes calls that a server that is gone left in the accepted queue: all of them after a restart, or those of one
 * server while several run. Calls that had not begun are run now. Calls that had begun are recorded as interrupted,
 * because it is unknown how far they came and running them twice may do harm. They are run again if their action allows
 * it.
 *
 * A call may wait for hours, for its sandbox or for an invoker that can run it. So no call waits for another one here.
 * Only what all of them need in memory is limited.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AdmissionControl } from '../../dispatch/index.ts';
import { isJsonObject, type Log, messageOf, untilAborted, withTimeout } from '../../lib/index.ts';
import type { AcceptedQueue, AcceptedRow, AdoptedRow } from '../../store/index.ts';
import type { Vault } from '../vault/vault.ts';
import { type AcceptedTask, fromQueue } from './accepted-task.ts';
import type { Execution } from './execution.ts';
import type { Executions } from './executions.ts';
import type { QueueLease } from './queue-lease.ts';
import { mayRunAgain } from './retrying.ts';

export interface ResumeReport {
  /** Calls that run, wait, or have ended by now. */
  readonly run: number;
  readonly interrupted: number;
}

export interface ResumeOptions {
  readonly accepted: Pick<AcceptedQueue, 'adopt'>;
  readonly lease: Pick<QueueLease, 'node' | 'held' | 'giveUp'>;
  readonly admission: Pick<AdmissionControl, 'resume'>;
  readonly executions: Pick<Executions, 'begin' | 'find' | 'runQueued' | 'fail'>;
  readonly vault: Vault;
  readonly log: Log;
}

export interface Resumption {
  /**
   * Resumes all calls that no server owns. Call it again when there may be others. Where many wait, it takes as long as
   * some of them.
   */
  resume(): Promise<ResumeReport>;
  /** Begins no further call. Resolves when nothing is read any more. Never rejects. */
  close(): Promise<void>;
}

const pageSize = 200;
/** How long a page is awaited, so that what ends at once, or at its second try, is done when its resumption is. */
const patienceMs = 5000;
/** While calls that were resumed and have not ended are more, no further page is read. */
const mostHeld = 1000;
/** The same for what they need in the queue. */
const mostHeldBytes = 64 * 1024 * 1024;
/** A database that does not answer does not hold up the end. */
const lastPageMs = 1000;

/** Beginnings of what the records of calls say that are not run again. */
interface Causes {
  readonly interrupted: string;
  readonly unstarted: string;
}

/** The server was restarted or is gone, or it may still run, without the database. */
const loss: Causes = {
  interrupted: 'The activation was interrupted: the server that had it stopped or was cut off',
  unstarted: 'The activation was not started before the server that had it stopped or was cut off',
};
/** The server runs: it could not write the record of its end, or not read it, or does not know whether it began. */
const release: Causes = {
  interrupted:
    'The activation was interrupted: the server that had it gave it up without a record of its end',
  unstarted: 'The activation was not started before the server that had it gave it up',
};
const keyText = "its caller's API key, which is not kept";

export function createResumption(options: ResumeOptions): Resumption {
  const held = new HeldCalls();
  const unread = new Set<string>();
  const underWay = new Set<Promise<unknown>>();
  const ending = new AbortController();
  return {
    async resume() {
      const resuming = resumeQueue(options, { held, unread, signal: ending.signal });
      underWay.add(resuming);
      try {
        return await resuming;
      } finally {
        underWay.delete(resuming);
      }
    },
    async close() {
      ending.abort();
      await withTimeout(Promise.allSettled(underWay), lastPageMs, () => undefined);
    },
  };
}

interface Progress {
  readonly held: HeldCalls;
  /** Calls that this Ward can't read, such as those of a newer one. */
  readonly unread: Set<string>;
  readonly signal: AbortSignal;
}

interface Resumed {
  readonly execution: Execution;
  readonly as: 'run' | 'interrupted';
}

async function resumeQueue(options: ResumeOptions, progress: Progress): Promise<ResumeReport> {
  const { accepted, lease, log } = options;
  const { held, unread, signal } = progress;
  const counts = { run: 0, interrupted: 0 };
  let adopted = 0;
  await lease.held();
  while (!signal.aborted) {
    const page = await accepted.adopt(lease.node, pageSize, [...unread]);
    if (page.length === 0) break;
    adopted += page.length;
    const resumed = await resumePage(options, page, progress);
    const ends = Promise.all(resumed.map(({ execution }) => execution.recorded.reached()));
    await withTimeout(untilEnd(signal, ends), patienceMs, () => undefined);
    for (const { execution, as } of resumed) if (as === 'interrupted' || !execution.isWithdrawn) counts[as]++;
    await untilEnd(signal, held.room());
  }
  if (adopted > 0) log.info(counts, 'resumed what an earlier run had accepted');
  return counts;
}

async function resumePage(
  options: ResumeOptions,
  page: readonly AdoptedRow[],
  { held, unread, signal }: Progress,
): Promise<readonly Resumed[]> {
  const all: Resumed[] = [];
  for (const row of page) {
    // Payloads may be large, and others want their turn.
    await nextTurn();
    if (signal.aborted) break;
    // After a lease has ended, calls that still wait here may come back.
    if (options.executions.find(row.activationId) !== undefined) continue;
    const resumed = resumeRow(options, row, unread);
    if (resumed === undefined) continue;
    held.add(resumed.execution, sizeOf(row));
    all.push(resumed);
  }
  return all;
}

function resumeRow(
  { admission, executions, lease, vault, log }: ResumeOptions,
  row: AdoptedRow,
  unread: Set<string>,
): Resumed | undefined {
  const { activationId } = row;
  const parsed = read(row, vault);
  if (typeof parsed === 'string') {
    log.error(
      { activationId, reason: parsed },
      'an accepted activation cannot be read, and is left to a server that can',
    );
    unread.add(activationId);
    lease.giveUp(activationId);
    return undefined;
  }
  const { task } = parsed;
  const execution = executions.begin({
    task,
    attempt: row.attempt,
    admission: admission.resume(task.namespace),
    waitReason: 'the server that had accepted it stopped or gave it up',
  });
  const why = whyNotRun(parsed, row);
  if (why === undefined) void executions.runQueued(execution);
  else executions.fail(execution, why);
  return { execution, as: why === undefined ? 'run' : 'interrupted' };
}

/** Waits, but not past the end of the resumption. */
async function untilEnd(signal: AbortSignal, wait: Promise<unknown>): Promise<void> {
  await untilAborted(signal, wait).catch(() => {});
}

/** Calls that were resumed and have not ended. */
class HeldCalls {
  #count = 0;
  #bytes = 0;
  #freed = Promise.withResolvers<void>();

  add({ recorded }: Pick<Execution, 'recorded'>, bytes: number): void {
    this.#count++;
    this.#bytes += bytes;
    void recorded.reached().then(() => {
      this.#count--;
      this.#bytes -= bytes;
      this.#freed.resolve();
      this.#freed = Promise.withResolvers();
    });
  }

  /** Resolves when a further page may be read. */
  async room(): Promise<void> {
    while (this.#count > mostHeld || this.#bytes > mostHeldBytes) await this.#freed.promise;
  }
}

/** Nearly all of a large call is in its sealed part. */
function sizeOf({ job }: AcceptedRow): number {
  return isJsonObject(job) && typeof job['sealed'] === 'string' ? job['sealed'].length : 0;
}

function whyNotRun(
  { task, needsApiKey }: AcceptedTask,
  { attempt, wasReleased }: Pick<AdoptedRow, 'attempt' | 'wasReleased'>,
): string | undefined {
  const { interrupted, unstarted } = wasReleased ? release : loss;
  if (!mayRunAgain(task, attempt)) return attempt > 1 ? interruptedOften(attempt) : `${interrupted}.`;
  if (!needsApiKey) return undefined;
  return attempt === 0
    ? `${unstarted}, and needs ${keyText}.`
    : `${interrupted}, and can't be run again: it needs ${keyText}.`;
}

function interruptedOften(attempt: number): string {
  return `The activation was interrupted ${attempt} times, and is not run again.`;
}

/** Returns the task, or why it cannot be read. Then it stays in the queue, without an owner, for a Ward that can read it. */
function read(row: AcceptedRow, vault: Vault): AcceptedTask | string {
  try {
    return fromQueue(row.job, vault) ?? 'another version of Ward has written it';
  } catch (error) {
    return messageOf(error);
  }
}
