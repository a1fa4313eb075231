/** The record of an activation, as OpenWhisk keeps and shows it (its logs are kept beside it). */
import type { Completion, CompletionStatus, Job } from '../invoker/index.ts';
import type { JsonValue } from '../lib/index.ts';
import type { ActivationRow } from '../store/index.ts';
import type { KeyValue } from './key-values.ts';

export type ActivationRecord = {
  readonly activationId: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly publish: false;
  readonly subject: string;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly annotations: readonly KeyValue[];
  readonly response: {
    readonly status: CompletionStatus;
    readonly success: boolean;
    readonly result: JsonValue;
    /** Bytes of the result. */
    readonly size: number;
  };
};

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

export function recordOf(job: Job, completion: Completion): ActivationRecord {
  const { status, result, sizeBytes, startedAt, endedAt } = completion;
  return {
    activationId: job.activationId,
    namespace: job.namespace,
    name: job.action.slice(job.action.lastIndexOf('/') + 1),
    version: job.version,
    publish: false,
    subject: job.namespace,
    start: startedAt,
    end: endedAt,
    duration: endedAt - startedAt,
    annotations: annotationsOf(job, completion),
    response: {
      status,
      success: status === 'success',
      result,
      size: sizeBytes,
    },
  };
}

/**
 * The record of a blocking answer as JSON, around the result that is JSON already. Its logs are empty: they
 * are still being read. Names, kinds and statuses hold no character that JSON escapes.
 */
export function serialiseRecord(record: ActivationRecord, resultJson: string): string {
  const { response } = record;
  return (
    `{"activationId":"${record.activationId}","namespace":"${record.namespace}","name":"${record.name}",` +
    `"version":"${record.version}","publish":false,"subject":"${record.subject}","start":${record.start},` +
    `"end":${record.end},"duration":${record.duration},"annotations":${JSON.stringify(record.annotations)},` +
    `"response":{"status":"${response.status}","success":${response.success},"result":${resultJson},` +
    `"size":${response.size}},"logs":[]}`
  );
}

export function rowOfRecord(job: Job, record: ActivationRecord): ActivationRow {
  return {
    activationId: record.activationId,
    namespace: record.namespace,
    name: record.name,
    path: pathOfJob(job),
    start: record.start,
    end: record.end,
    statusCode: statusCodeOf(record.response.status),
    document: record,
  };
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

function annotationsOf(job: Job, completion: Completion): readonly KeyValue[] {
  const { limits } = job;
  const annotations: KeyValue[] = [
    { key: 'path', value: job.action.slice(1) },
    { key: 'waitTime', value: completion.waitMs },
    { key: 'kind', value: job.kind },
    { key: 'timeout', value: completion.timedOut },
    {
      key: 'limits',
      value: {
        concurrency: limits.concurrency,
        logs: limits.logBytes / (1024 * 1024),
        memory: limits.memoryMiB,
        timeout: limits.timeoutMs,
      },
    },
  ];
  if (completion.initMs !== undefined) annotations.push({ key: 'initTime', value: completion.initMs });
  return annotations;
}

/** `/ns/[pkg/]name` → `[pkg/]name`. */
function pathOfJob(job: Job): string {
  return job.action.slice(job.action.indexOf('/', 1) + 1);
}
