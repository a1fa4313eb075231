/** Converts a job for its runner, and its end to a completion for the rest of Ward. */

import {
  type ActivationLog,
  type Completion,
  invokerBusy,
  type Job,
  type JobEnd,
  type WaitReason,
} from '../../dispatch/index.ts';
import { sumOfTraffic, type Traffic } from '../../egress/index.ts';
import type { Fault, JsonObject } from '../../lib/index.ts';
import type { Violation } from '../../sandbox/index.ts';
import { type ActivationResponse, internalError } from '../runner/outcomes.ts';
import type { InitRequest, RunEnd, RunRequest } from '../runner/runner.ts';
import type { Group, Template, WaitingJob } from './group.ts';

/** Bounds of the time after which a caller should retry when the queue is full. */
const retryMs = { least: 1000, most: 30_000 };

/** Where an activation ran, and how it got its sandbox. */
export interface Origin extends Pick<Completion, 'start' | 'startReason' | 'sandboxMs'> {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly initMs?: number;
  readonly violations?: readonly Violation[] | undefined;
  readonly traffic?: Traffic | undefined;
  readonly logs: Promise<ActivationLog>;
}

/** @param job the job that waits for it, if any */
export function initRequest(template: Template, job: Job | undefined, apiHost: string): InitRequest {
  const { main, binary } = template.code;
  const name = template.action.slice(template.action.lastIndexOf('/') + 1);
  return { name, main, binary, env: { ...initEnv(template, job), __OW_API_HOST: apiHost } };
}

export function runRequest(job: Job): RunRequest {
  return { id: job.activationId, value: job.parameters, env: runEnv(job) };
}

type Noted = Pick<Origin, 'violations' | 'traffic'>;

/** @param init of the sandbox, if the run is the first in it */
export function originOfRun(
  { startedAt, logs, ...noted }: Pick<NonNullable<RunEnd>, 'startedAt' | 'logs' | keyof Noted>,
  init: Origin | undefined,
): Origin {
  if (init === undefined) return { start: 'warm', startedAt, logs, ...noted };
  return { ...init, logs, ...both(init, noted) };
}

/** Joins what was noted of the initialisation and of the run. */
function both(first: Noted, second: Noted): Noted {
  return {
    violations:
      first.violations && second.violations
        ? [...first.violations, ...second.violations]
        : (first.violations ?? second.violations),
    traffic: sumOfTraffic(first.traffic, second.traffic),
  };
}

export function complete(pending: WaitingJob, response: ActivationResponse, origin: Origin): JobEnd {
  const { job } = pending;
  const waitMs = Math.max(0, origin.startedAt - job.acceptedAt);
  const completion: Completion = {
    ...response,
    sizeBytes: response.utf8?.length ?? Buffer.byteLength(response.json),
    startedAt: origin.startedAt,
    endedAt: Date.now(),
    waitMs,
    waitReason: waitMs === 0 ? undefined : reasonOfWait(pending, origin),
    ...(origin.initMs === undefined ? {} : { initMs: origin.initMs }),
    start: origin.start,
    startReason: origin.startReason,
    sandboxMs: origin.sandboxMs,
    ...(origin.violations === undefined ? {} : { violations: origin.violations }),
    ...(origin.traffic === undefined ? {} : { traffic: origin.traffic }),
  };
  return { completion, log: origin.logs };
}

/** A job that got the sandbox that was being started has the time of that start. */
function reasonOfWait({ waitReason }: WaitingJob, { sandboxMs }: Origin): WaitReason | undefined {
  return waitReason === 'its next sandbox was being started' && sandboxMs !== undefined
    ? undefined
    : waitReason;
}

/** The end of a job that failed because of the platform. */
export function rejection(pending: WaitingJob, text: string): JobEnd {
  const logs = Promise.resolve([]);
  return complete(pending, internalError(text), {
    start: 'cold',
    startReason: pending.reason,
    startedAt: Date.now(),
    logs,
  });
}

/** Estimates the retry time from the group's own queue, which is the best predictor of when a slot is free. */
export function busy(group: Group): Fault {
  const [oldest] = group.queue;
  const waitedMs = oldest ? performance.now() - oldest.queuedAt : 0;
  return invokerBusy(Math.round(Math.min(retryMs.most, Math.max(retryMs.least, waitedMs))));
}

function initEnv(template: Template, job: Job | undefined): JsonObject {
  const { initEnv: asked, namespace, action, version, limits } = template;
  return {
    ...asked,
    __OW_NAMESPACE: namespace,
    __OW_ACTION_NAME: action,
    __OW_ACTION_VERSION: version,
    ...(job ? runEnv(job) : apiKeyEnv(template)),
    ...(limits.concurrency > 1 ? { __OW_ALLOW_CONCURRENT: 'true' } : {}),
  };
}

/** docs/actions-new.md: the part of the environment of user code that changes with each run. */
function runEnv(job: Job): JsonObject {
  return {
    __OW_ACTIVATION_ID: job.activationId,
    __OW_TRANSACTION_ID: job.transactionId,
    __OW_DEADLINE: String(Date.now() + job.limits.timeoutMs),
    ...apiKeyEnv(job),
    // OpenTelemetry's name: its libraries look for it.
    ...(job.traceparent === undefined ? {} : { TRACEPARENT: job.traceparent }),
  };
}

/** Clears the key if there is none: a runner keeps old values, and one call's key must not be visible to the next. */
function apiKeyEnv({ apiKey, providesApiKey }: Template): JsonObject {
  return apiKey === undefined && providesApiKey !== true ? {} : { __OW_API_KEY: apiKey ?? '' };
}
