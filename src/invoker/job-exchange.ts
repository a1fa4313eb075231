/** A job as its runner is told of it, and its completion as the rest of Ward is. */

import type { Verdict } from './outcomes.ts';
import type { RunRequest } from './run-line.ts';
import type { InitRequest } from './runner-process.ts';
import type { Completion, Job } from './types.ts';

export interface Origin {
  readonly start: Completion['start'];
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly initMs?: number;
  readonly logs: Promise<readonly string[]>;
}

export function initRequest(job: Job): InitRequest {
  const { main, binary } = job.code;
  return { name: job.action.slice(job.action.lastIndexOf('/') + 1), main, binary, env: initEnv(job) };
}

export function runRequest(job: Job): RunRequest {
  return { id: job.activationId, value: job.parameters, env: runEnv(job) };
}

export function complete(job: Job, verdict: Verdict, origin: Origin): Completion {
  return {
    ...verdict,
    sizeBytes: Buffer.byteLength(verdict.json),
    startedAt: origin.startedAt,
    endedAt: Date.now(),
    waitMs: Math.max(0, origin.startedAt - job.acceptedAt),
    ...(origin.initMs === undefined ? {} : { initMs: origin.initMs }),
    start: origin.start,
    logs: origin.logs,
  };
}

export async function joined(
  first: Promise<readonly string[]>,
  second: Promise<readonly string[]>,
): Promise<readonly string[]> {
  return [...(await first), ...(await second)];
}

function initEnv(job: Job): Job['initEnv'] {
  return {
    ...job.initEnv,
    __OW_NAMESPACE: job.namespace,
    __OW_ACTION_NAME: job.action,
    __OW_ACTION_VERSION: job.version,
    ...runEnv(job),
    ...(job.limits.concurrency > 1 ? { __OW_ALLOW_CONCURRENT: 'true' } : {}),
  };
}

/** docs/actions-new.md: what user code finds in its environment, as far as it changes from run to run. */
function runEnv(job: Job): Job['initEnv'] {
  const env = {
    __OW_ACTIVATION_ID: job.activationId,
    __OW_TRANSACTION_ID: job.transactionId,
    __OW_DEADLINE: String(Date.now() + job.limits.timeoutMs),
  };
  return job.apiKey === undefined ? env : { ...env, __OW_API_KEY: job.apiKey };
}
