/** The record of an activation, as OpenWhisk keeps and shows it (its logs are kept beside it). */
import type { Completion, CompletionStatus, Job } from '../invoker/index.ts';
import type { JsonValue } from '../lib/index.ts';
import type { ActivationInsert } from '../store/index.ts';

/** As the store takes it, and what an answer needs beside it. */
export interface ActivationRecord extends ActivationInsert {
  readonly status: CompletionStatus;
  /** `response.result` alone. */
  readonly resultJson: string;
}

/** What the records of one revision of an action have in common: texts that stand between what differs. */
export interface RecordFrame {
  readonly name: string;
  /** `[pkg/]name`. */
  readonly path: string;
  readonly namespaceToSubject: string;
  readonly durationToWaitTime: string;
  readonly waitTimeToTimeout: string;
  readonly afterTimeout: string;
}

/** The statuses in the order of their numeric codes. */
const statuses: readonly CompletionStatus[] = [
  'success',
  'application error',
  'action developer error',
  'whisk internal error',
];

export function statusCodeOf(status: CompletionStatus): number {
  return statuses.indexOf(status);
}

/** @param job one of the action, or what it has in common with one */
export function frameOf(job: Pick<Job, 'action' | 'version' | 'kind' | 'limits'>): RecordFrame {
  const { action, version, kind, limits } = job;
  const name = action.slice(action.lastIndexOf('/') + 1);
  const annotation = (key: string, value: JsonValue) => JSON.stringify({ key, value });
  const limitsInUnits = {
    concurrency: limits.concurrency,
    logs: limits.logBytes / (1024 * 1024),
    memory: limits.memoryMiB,
    timeout: limits.timeoutMs,
  };
  return {
    name,
    path: action.slice(action.indexOf('/', 1) + 1),
    namespaceToSubject: `",${JSON.stringify({ name, version, publish: false }).slice(1, -1)},"subject":"`,
    durationToWaitTime: `,"annotations":[${annotation('path', action.slice(1))},{"key":"waitTime","value":`,
    waitTimeToTimeout: `},${annotation('kind', kind)},{"key":"timeout","value":`,
    afterTimeout: `},${annotation('limits', limitsInUnits)}`,
  };
}

/**
 * Written as JSON once, around the result that is JSON already: a large one is never parsed or serialised again.
 * Ids, statuses and names of namespaces hold no character that JSON escapes.
 */
export function recordOf(job: Job, frame: RecordFrame, completion: Completion): ActivationRecord {
  const { activationId, namespace } = job;
  const { status, json, startedAt, endedAt, waitMs, timedOut, initMs, sizeBytes } = completion;
  const initTime = initMs === undefined ? '' : `,{"key":"initTime","value":${initMs}}`;
  return {
    activationId,
    namespace,
    name: frame.name,
    path: frame.path,
    start: startedAt,
    end: endedAt,
    statusCode: statusCodeOf(status),
    documentJson:
      `{"activationId":"${activationId}","namespace":"${namespace}${frame.namespaceToSubject}${namespace}` +
      `","start":${startedAt},"end":${endedAt},"duration":${endedAt - startedAt}${frame.durationToWaitTime}` +
      `${waitMs}${frame.waitTimeToTimeout}${timedOut}${frame.afterTimeout}${initTime}]}`,
    responseJson: `{"status":"${status}","success":${status === 'success'},"result":${json},"size":${sizeBytes}}`,
    status,
    resultJson: json,
  };
}

/** The record of a blocking answer. Its logs are empty: they are still being read. */
export function serialiseRecord({ documentJson, responseJson }: ActivationRecord): string {
  return `${documentJson.slice(0, -1)},"response":${responseJson},"logs":[]}`;
}

/** A completion for a job that the platform itself did not bring to an end. */
export function internalFailure(job: Job, text: string): Completion {
  const result = { error: text };
  const json = JSON.stringify(result);
  const now = Date.now();
  return {
    status: 'whisk internal error',
    result,
    json,
    sizeBytes: Buffer.byteLength(json),
    startedAt: Math.min(job.acceptedAt, now),
    endedAt: now,
    waitMs: 0,
    timedOut: false,
    start: 'cold',
    logs: Promise.resolve([]),
  };
}
