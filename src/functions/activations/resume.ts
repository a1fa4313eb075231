/**
 * Resumes calls that a server that is gone left in the accepted queue: all of them after a restart, or those of one
 * server while several run. Calls that had not begun are run now, a few at a time. Calls that had begun are recorded
 * as interrupted, because it is unknown how far they came and running them twice may do harm. They are run again if
 * their action allows it.
 */
import { type Log, messageOf } from '../../lib/index.ts';
import type { AcceptedQueue, AcceptedRow } from '../../store/index.ts';
import type { Vault } from '../vault/vault.ts';
import { type AcceptedTask, fromQueue } from './accepted-task.ts';
import type { Executions } from './executions.ts';
import type { QueueLease } from './queue-lease.ts';
import { mayRunAgain } from './retrying.ts';

export interface ResumeReport {
  readonly run: number;
  readonly interrupted: number;
}

export interface ResumeOptions {
  readonly accepted: Pick<AcceptedQueue, 'adopt'>;
  readonly lease: Pick<QueueLease, 'node' | 'held'>;
  readonly executions: Executions;
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
  const { accepted, lease, executions, log } = options;
  const counts = { run: 0, interrupted: 0 };
  let adopted = 0;
  await lease.held();
  while (!options.isClosing()) {
    const page = await accepted.adopt(lease.node, pageSize);
    if (page.length === 0) break;
    adopted += page.length;
    // After a lease has ended, calls that still wait here may come back.
    const rows = page.filter(({ activationId }) => executions.find(activationId) === undefined);
    const lanes = Array.from({ length: concurrency }, async () => {
      for (let row = rows.shift(); row !== undefined && !options.isClosing(); row = rows.shift()) {
        const outcome = await resumeRow(options, row);
        if (outcome !== undefined) counts[outcome]++;
      }
    });
    await Promise.all(lanes);
  }
  if (adopted > 0) log.info(counts, 'resumed what an earlier run had accepted');
  return counts;
}

async function resumeRow(
  { executions, vault, log }: ResumeOptions,
  row: AcceptedRow,
): Promise<'run' | 'interrupted' | undefined> {
  const { activationId } = row;
  const parsed = read(row, vault);
  if (typeof parsed === 'string') {
    log.error({ activationId, reason: parsed }, 'an accepted activation cannot be read, and waits');
    return undefined;
  }
  const execution = executions.begin({
    task: parsed.task,
    attempt: row.attempt,
    waitReason: 'the server that had accepted it stopped or gave it up',
  });
  const why = whyNotRun(parsed, row.attempt);
  if (why === undefined) {
    await executions.runQueued(execution);
    await execution.recorded.reached();
    return execution.isWithdrawn ? undefined : 'run';
  }
  executions.fail(execution, why);
  await execution.recorded.reached();
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

/** Returns the task, or why it cannot be read. Then it stays in the queue for a Ward that can read it. */
function read(row: AcceptedRow, vault: Vault): AcceptedTask | string {
  try {
    return fromQueue(row.job, vault) ?? 'another version of Ward has written it';
  } catch (error) {
    return messageOf(error);
  }
}
