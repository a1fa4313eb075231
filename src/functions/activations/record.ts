/** The record of an activation in OpenWhisk's form. Its logs are stored beside it. */
import {
  type ActivationLog,
  type Completion,
  type CompletionStatus,
  type JobEnd,
  lostLog,
  type PartialLog,
} from '../../dispatch/index.ts';
import type { Traffic } from '../../egress/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { Violation } from '../../sandbox/index.ts';
import { type ActivationInsert, type CallUsage, pieceOf } from '../../store/index.ts';
import { annotation, frameOf, limitsAnnotation, type RecordFrame } from '../actions/record-frame.ts';
import { egressUsesOf } from './egress-uses.ts';
import { bytesOf, embedded, type Result, resultOf } from './result.ts';
import type { Task } from './task.ts';
import { isSampledTask, traceIdOf } from './trace-context.ts';

/**
 * How an activation ended. For code, the completion and log of its job, with additions of the domain. A sequence or a
 * composition has no job: its log lists the ids of its parts.
 */
export interface ActivationEnd extends Completion, Pick<JobEnd, 'log'> {
  /** For a sequence or a composition: the sum of its parts. */
  readonly durationMs?: number;
  /** For a sequence or a composition: the largest limit of its parts. */
  readonly memoryMiB?: number;
  /** It ended before its code began. */
  readonly isUnstarted?: boolean;
  /** What to do about a failure. */
  readonly hint?: string;
  /** How often it has begun, if more than once. */
  readonly attempt?: number;
  /** The node that ran it was lost, so no one knows how far it came. */
  readonly isLost?: boolean;
  /** What the record keeps in place of the result, which the caller gets. */
  readonly recorded?: Completion;
}

interface Interrupted {
  readonly task: Task;
  readonly mayHaveRun: boolean;
}

/** A record as the store takes it, with what an answer needs in addition. */
export interface ActivationRecord extends Omit<ActivationInsert, 'responseJson' | 'usage'> {
  readonly usage: CallUsage;
  readonly status: CompletionStatus;
  readonly result: Result;
  readonly sizeBytes: number;
  readonly durationMs: number;
  readonly memoryMiB: number;
  /** The node that ran it was lost. */
  readonly isLost: boolean;
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

/** The frame of a task about whose action nothing else is known. */
export function frameOfTask(task: Task): RecordFrame {
  const { action, version, kind, limits, binding } = task;
  const isConductor = task.type === 'composed' && task.isConductor;
  return frameOf({ action, version, kind, limits, binding, isConductor });
}

/**
 * Builds the record as JSON around the result, which is JSON already: a large result is never parsed or serialised
 * again. Ids, statuses and names of namespaces contain no characters that JSON escapes.
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
    usage: usageOf(task, frame, end),
    isLost: end.isLost === true,
  };
}

/** Parts of a sequence count by themselves, and what the platform broke costs nothing. */
function usageOf(task: Task, { limits }: RecordFrame, end: ActivationEnd): CallUsage {
  const { status, startedAt, endedAt, start } = end;
  const isFree = task.type !== 'code' || status === 'whisk internal error' || end.isUnstarted === true;
  const { sentBytes = 0, receivedBytes = 0 } = end.traffic ?? {};
  const traffic = { sentBytes, receivedBytes, egress: egressUsesOf(end) };
  if (isFree) return { mibMs: 0, isCold: false, ...traffic };
  return { mibMs: Math.max(0, endedAt - startedAt) * limits.memoryMiB, isCold: start === 'cold', ...traffic };
}

/** The record of a blocking answer, in memory of its own. Its logs are empty, because they are still being read. */
export function serialiseRecord({
  documentJson,
  status,
  result,
  sizeBytes,
}: ActivationRecord): string | Buffer {
  const head = `${documentJson.slice(0, -1)},"response":${responseHead(status)}`;
  return embedded(head, result, `${responseEnd(sizeBytes)},"logs":[]}`);
}

/** The result of a blocking answer, in memory of its own. */
export function serialiseResult({ result }: ActivationRecord): string | Buffer {
  return embedded('', result, '');
}

/** The record as the store takes it, including the memory of a large result. */
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

/** What is known of an activation that has not ended: a record without `end`, with the status `pending`. */
export function pendingRecord(task: Task, frame: RecordFrame): JsonObject {
  const fixed = `${frame.annotations}${frame.limitsAnnotation}${traceAnnotation(task)}`;
  return JSON.parse(
    `${headOf(task, frame)},"start":${task.acceptedAt},"annotations":[${fixed}]` +
      `,"response":{"status":"pending","success":false,"result":{}},"logs":[]}`,
  );
}

/** The end of an activation that failed because of the platform. */
export function internalFailure(task: Pick<Task, 'acceptedAt'>, text: string): ActivationEnd {
  return failureOf('whisk internal error', task, text);
}

/** The end of an activation that is cut short. If it may have run, its log is lost. */
export function interruptedFailure({ task, mayHaveRun }: Interrupted, text: string): ActivationEnd {
  const failure = internalFailure(task, text);
  return mayHaveRun ? { ...failure, log: Promise.resolve(lostLogOf(task)) } : failure;
}

/** The end of an activation whose node was lost. */
export function lostFailure(task: Task, text: string): ActivationEnd {
  return { ...interruptedFailure({ task, mayHaveRun: true }, text), isLost: true };
}

/** Stands for what the code of a task wrote. Ward itself writes the log of a composed one. */
export function lostLogOf({ type, limits }: Task): ActivationLog {
  return type === 'code' ? lostLog(limits) : [];
}

/** Adds an annotation that says why the log may lack lines, which is known only when the log is here. */
export function withPartialLog(record: ActivationRecord, partial: PartialLog | undefined): ActivationRecord {
  if (partial === undefined) return record;
  const beginning = record.documentJson.slice(0, -']}'.length);
  return { ...record, documentJson: `${beginning},${annotation('partialLog', partial)}]}` };
}

/** The end of an activation that cannot begin because of its action. */
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
    isUnstarted: true,
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
    (end.attempt === undefined ? '' : `,${annotation('attempt', end.attempt)}`) +
    traceAnnotation(task);
  if (task.type === 'code') return codeAnnotations(frame, end) + last;
  if (task.kind !== 'sequence') return frame.limitsAnnotation + last;
  const memoryMiB = end.memoryMiB ?? frame.limits.memoryMiB;
  return `${annotation('topmost', cause === undefined)},${limitsAnnotation(frame.limits, memoryMiB)}${last}`;
}

/** Only of a trace that is exported: nobody else has spans of it. */
function traceAnnotation(task: Task): string {
  return isSampledTask(task) ? `,{"key":"traceId","value":"${traceIdOf(task)}"}` : '';
}

/** Annotations that say where the time went and, if it was not warm, why. */
function codeAnnotations(frame: RecordFrame, end: ActivationEnd): string {
  const { waitMs, waitReason, timedOut, initMs, start, startReason, sandboxMs, traffic, violations, hint } =
    end;
  return (
    `{"key":"waitTime","value":${waitMs}},` +
    (waitReason === undefined ? '' : `{"key":"waitReason","value":"${waitReason}"},`) +
    `{"key":"timeout","value":${timedOut}},${frame.limitsAnnotation}` +
    `,{"key":"start","value":"${start}"}` +
    (startReason === undefined ? '' : `,${annotation('startReason', startReason)}`) +
    (sandboxMs === undefined ? '' : `,{"key":"sandboxTime","value":${sandboxMs}}`) +
    (initMs === undefined ? '' : `,{"key":"initTime","value":${initMs}}`) +
    (traffic === undefined ? '' : `,${annotation('traffic', plainTraffic(traffic))}`) +
    (violations === undefined ? '' : `,${annotation('violations', violations.map(plain))}`) +
    (hint === undefined ? '' : `,${annotation('hint', hint)}`)
  );
}

function plainTraffic({ sentBytes, receivedBytes, connections }: Traffic): JsonObject {
  return JSON.parse(JSON.stringify({ sentBytes, receivedBytes, connections })) as JsonObject;
}

function plain({ kind, detail, at }: Violation): JsonObject {
  return { kind, detail, at };
}
