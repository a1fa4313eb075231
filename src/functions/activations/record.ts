/** The record of an activation, as OpenWhisk keeps and shows it (its logs are kept beside it). */
import type { Completion, CompletionStatus, JobEnd } from '../../dispatch/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { Violation } from '../../sandbox/index.ts';
import { type ActivationInsert, pieceOf } from '../../store/index.ts';
import { annotation, frameOf, limitsAnnotation, type RecordFrame } from '../actions/record-frame.ts';
import { bytesOf, embedded, type Result, resultOf } from './result.ts';
import type { Task } from './task.ts';

/**
 * How an activation ended. For code this is the completion of its job with the log, and what the domain adds. A sequence
 * or a composition has no job: its log has the ids of its parts.
 */
export interface ActivationEnd extends Completion, Pick<JobEnd, 'log'> {
  /** For a sequence or a composition: the sum of its parts. */
  readonly durationMs?: number;
  /** For a sequence or a composition: the most that any part may use. */
  readonly memoryMiB?: number;
  /** Says what to do about a failure. */
  readonly hint?: string;
  /** How often it has begun, when that is more than once. */
  readonly attempt?: number;
}

/** A record as the store takes it, with what an answer needs as well. */
export interface ActivationRecord extends Omit<ActivationInsert, 'responseJson'> {
  readonly status: CompletionStatus;
  readonly result: Result;
  readonly sizeBytes: number;
  readonly durationMs: number;
  readonly memoryMiB: number;
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

/** The frame of a task of which nothing else is at hand. */
export function frameOfTask(task: Task): RecordFrame {
  const { action, version, kind, limits, binding } = task;
  const isConductor = task.type === 'composed' && task.isConductor;
  return frameOf({ action, version, kind, limits, binding, isConductor });
}

/**
 * Written as JSON once, around the result that is JSON already: a large one is never parsed or serialised again.
 * Ids, statuses and names of namespaces hold no character that JSON escapes.
 */
export function recordOf(task: Task, frame: RecordFrame, end: ActivationEnd): ActivationRecord {
  const { activationId, namespace } = task;
  const { status, startedAt, endedAt, sizeBytes } = end;
  const durationMs = end.durationMs ?? endedAt - startedAt;
  return {
    activationId,
    namespace,
    name: frame.name,
    path: frame.path,
    start: startedAt,
    end: endedAt,
    statusCode: statusCodeOf(status),
    documentJson:
      `${headOf(task, frame)},"start":${startedAt},"end":${endedAt},"duration":${durationMs}` +
      `,"annotations":[${frame.annotations}${annotationsOf(task, frame, end)}]}`,
    status,
    result: resultOf(end),
    sizeBytes,
    durationMs,
    memoryMiB: end.memoryMiB ?? frame.limits.memoryMiB,
  };
}

/** The record of a blocking answer; bytes are its own. Its logs are empty: they are still being read. */
export function serialiseRecord({
  documentJson,
  status,
  result,
  sizeBytes,
}: ActivationRecord): string | Buffer {
  const head = `${documentJson.slice(0, -1)},"response":${responseHead(status)}`;
  return embedded(head, result, `${responseEnd(sizeBytes)},"logs":[]}`);
}

/** The result of a blocking answer; bytes are its own. */
export function serialiseResult({ result }: ActivationRecord): string | Buffer {
  return embedded('', result, '');
}

/** The record as the store takes it: with the memory that a large result came in. */
export function storedRecord(record: ActivationRecord): ActivationInsert {
  const { status, result, sizeBytes } = record;
  const head = responseHead(status);
  const end = responseEnd(sizeBytes);
  if (!('utf8' in result)) return { ...record, responseJson: `${head}${result.json}${end}` };
  return { ...record, responseJson: { pieces: [textPiece(head), bytesOf(result), textPiece(end)] } };
}

function textPiece(text: string): Buffer<ArrayBuffer> {
  return pieceOf([Buffer.from(text)]);
}

function responseHead(status: CompletionStatus): string {
  return `{"status":"${status}","success":${status === 'success'},"result":`;
}

function responseEnd(sizeBytes: number): string {
  return `,"size":${sizeBytes}}`;
}

/** What can be said of an activation that has not ended: a record without `end`, whose status is `pending`. */
export function pendingRecord(task: Task, frame: RecordFrame): JsonObject {
  const fixed = `${frame.annotations}${frame.limitsAnnotation}`;
  return JSON.parse(
    `${headOf(task, frame)},"start":${task.acceptedAt},"annotations":[${fixed}]` +
      `,"response":{"status":"pending","success":false,"result":{}},"logs":[]}`,
  );
}

/** The end of an activation by a failure of the platform. */
export function internalFailure(task: Pick<Task, 'acceptedAt'>, text: string): ActivationEnd {
  return failureOf('whisk internal error', task, text);
}

/** The end of an activation that can't begin, by a fault of its action. */
export function developerFailure(task: Pick<Task, 'acceptedAt'>, text: string): ActivationEnd {
  return failureOf('action developer error', task, text);
}

function failureOf(
  status: CompletionStatus,
  { acceptedAt }: Pick<Task, 'acceptedAt'>,
  text: string,
): ActivationEnd {
  const now = Date.now();
  return endWithoutSandbox(status, { error: text }, Math.min(acceptedAt, now), now);
}

export function endWithoutSandbox(
  status: CompletionStatus,
  result: JsonValue,
  startedAt: number,
  endedAt: number,
): ActivationEnd {
  const json = JSON.stringify(result);
  return {
    status,
    result,
    json,
    sizeBytes: Buffer.byteLength(json),
    startedAt,
    endedAt,
    waitMs: 0,
    timedOut: false,
    start: 'warm',
    log: noLines,
  };
}

const noLines = Promise.resolve([]);

function headOf({ activationId, namespace, cause }: Task, frame: RecordFrame): string {
  return (
    `{"activationId":"${activationId}","namespace":"${namespace}${frame.namespaceToSubject}${namespace}"` +
    (cause === undefined ? '' : `,"cause":"${cause}"`)
  );
}

function annotationsOf(task: Task, frame: RecordFrame, end: ActivationEnd): string {
  const { cause } = task;
  const last =
    (cause === undefined ? '' : `,${annotation('causedBy', 'sequence')}`) +
    (end.attempt === undefined ? '' : `,${annotation('attempt', end.attempt)}`);
  if (task.type === 'code') return codeAnnotations(frame, end) + last;
  if (task.kind !== 'sequence') return frame.limitsAnnotation + last;
  const memoryMiB = end.memoryMiB ?? frame.limits.memoryMiB;
  return `${annotation('topmost', cause === undefined)},${limitsAnnotation(frame.limits, memoryMiB)}${last}`;
}

/** Where the time went, and why it was not warm, if it was not. */
function codeAnnotations(frame: RecordFrame, end: ActivationEnd): string {
  const { waitMs, timedOut, initMs, start, startReason, sandboxMs, violations, hint } = end;
  return (
    `{"key":"waitTime","value":${waitMs}},{"key":"timeout","value":${timedOut}},${frame.limitsAnnotation}` +
    `,{"key":"start","value":"${start}"}` +
    (startReason === undefined ? '' : `,${annotation('startReason', startReason)}`) +
    (sandboxMs === undefined ? '' : `,{"key":"sandboxTime","value":${sandboxMs}}`) +
    (initMs === undefined ? '' : `,{"key":"initTime","value":${initMs}}`) +
    (violations === undefined ? '' : `,${annotation('violations', violations.map(plain))}`) +
    (hint === undefined ? '' : `,${annotation('hint', hint)}`)
  );
}

function plain({ kind, detail, at }: Violation): JsonObject {
  return { kind, detail, at };
}
