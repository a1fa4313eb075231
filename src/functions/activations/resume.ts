/**
 * After a restart: what was accepted and had not begun is run now, a few at a time; what had begun is recorded as
 * interrupted, because nobody knows how far it came and running it twice may do harm, or run again where its action
 * says that it may be.
 */
import { type Log, messageOf } from '../../lib/index.ts';
import type { AcceptedQueue, AcceptedRow } from '../../store/index.ts';
import type { Vault } from '../vault/vault.ts';
import { type AcceptedTask, fromQueue } from './accepted-task.ts';
import type { Flights } from './flights.ts';
import { mayRunAgain } from './retrying.ts';

export interface ResumeReport {
  readonly run: number;
  readonly interrupted: number;
}

export interface ResumeOptions {
  readonly accepted: AcceptedQueue;
  readonly flights: Flights;
  readonly vault: Vault;
  readonly log: Log;
  readonly isClosing: () => boolean;
}

const pageSize = 200;
const concurrency = 16;

const interrupted = 'The activation was interrupted by a restart of the platform.';
const keyless =
  "The activation was not started before a restart of the platform, and needs its caller's API key, which is not kept.";
const retriedKeyless =
  "The activation was interrupted by a restart of the platform, and can't be run again: it needs its caller's API key, which is not kept.";

export async function resumeQueue(options: ResumeOptions): Promise<ResumeReport> {
  const { accepted, flights, log } = options;
  const seen = new Set<string>();
  const counts = { run: 0, interrupted: 0 };
  while (!options.isClosing()) {
    const rows = (await accepted.pending(pageSize)).filter(
      ({ activationId }) => !seen.has(activationId) && flights.find(activationId) === undefined,
    );
    if (rows.length === 0) break;
    for (const { activationId } of rows) seen.add(activationId);
    const lanes = Array.from({ length: concurrency }, async () => {
      for (let row = rows.shift(); row !== undefined && !options.isClosing(); row = rows.shift()) {
        const outcome = await resumeRow(options, row);
        if (outcome !== undefined) counts[outcome]++;
      }
    });
    await Promise.all(lanes);
  }
  if (seen.size > 0) log.info(counts, 'resumed what an earlier run had accepted');
  return counts;
}

async function resumeRow(
  { flights, vault, log }: ResumeOptions,
  row: AcceptedRow,
): Promise<'run' | 'interrupted' | undefined> {
  const { activationId } = row;
  const parsed = read(row, vault);
  if (typeof parsed === 'string') {
    log.error({ activationId, reason: parsed }, 'an accepted activation cannot be read, and waits');
    return undefined;
  }
  const flight = flights.begin({ task: parsed.task, attempt: row.attempt });
  const why = whyNotRun(parsed, row.attempt);
  if (why === undefined) {
    await flights.runQueued(flight);
    await flight.landed.reached();
    return flight.isWithdrawn ? undefined : 'run';
  }
  flights.fail(flight, why);
  await flight.landed.reached();
  return 'interrupted';
}

function whyNotRun({ task, needsApiKey }: AcceptedTask, attempt: number): string | undefined {
  if (!mayRunAgain(task, attempt)) return attempt > 1 ? interruptedOften(attempt) : interrupted;
  if (needsApiKey) return attempt === 0 ? keyless : retriedKeyless;
  return undefined;
}

function interruptedOften(attempt: number): string {
  return `The activation was interrupted by restarts of the platform ${attempt} times, and is not run again.`;
}

/** Or why it can't be read: it stays in the queue, for a Ward that can. */
function read(row: AcceptedRow, vault: Vault): AcceptedTask | string {
  try {
    return fromQueue(row.job, vault) ?? 'another version of Ward has written it';
  } catch (error) {
    return messageOf(error);
  }
}
