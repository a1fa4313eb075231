/** A job that was sent to another node, until its end and its log are here. */
import { type ActivationLog, formatLine, lostLog } from '../activation-log.ts';
import type { SentJob } from '../placement/types.ts';
import { tooLargeText } from '../result-limit.ts';
import type { Completion, Handover, Job, JobEnd } from '../types.ts';
import { invalid } from '../wire/frames.ts';
import type { HeadOf } from '../wire/heads.ts';
import { fromParts } from '../wire/log-parts.ts';
import { readTail } from '../wire/tails.ts';

/** The job is not done, and `fault` says why. */
export interface Refusal {
  readonly fault: unknown;
  /** It has not begun and will not begin there, so another node may get it. */
  readonly isElsewhere: boolean;
}

export interface OpenJob {
  readonly job: Job;
  readonly node: string;
  readonly attempt: number;
  readonly handover: Handover | undefined;
  readonly outcome: PromiseWithResolvers<JobEnd | Refusal>;
  readonly log: PromiseWithResolvers<ActivationLog>;
  readonly sent: SentJob;
  readonly sentAt: number;
  sends: number;
  /** When the node last said that it has the job; before that, when the job was sent. */
  heardAt: number;
  /** The node has said that it has the job. */
  isReceived: boolean;
  /** The answer of the handover. */
  begin: 'not asked' | 'asking' | 'yes' | 'no';
  /** Why it was given up while its handover is being asked. */
  lostWhy: string | undefined;
  hasEnded: boolean;
  hasLog: boolean;
  readonly logParts: (Buffer | undefined)[];
  logPartsHere: number;
  logBytes: number;
  isCancelled: boolean;
  /** When an honest node has ended it and said so. */
  overdueAt: number;
}

/** A result of this size is kept as bytes, too. */
const largeBytes = 64 * 1024;
/** What is shown of a result that is too large. */
const shownBytes = 2048;
/** A line takes more bytes in JSON than it counts in the log's limit. */
const logFactor = 8;
const logExtraBytes = 1024 * 1024;

/**
 * The completion, and the log if it came with it. Nothing in it is trusted: it goes into the record.
 * @param resultBytes the largest result that this node allows
 * @throws Fault MESSAGE_INVALID
 */
export function endFrom(
  { job }: Pick<OpenJob, 'job'>,
  { completion, log }: HeadOf<'res'>,
  tail: Buffer,
  resultBytes: number,
): { readonly completion: Completion; readonly log: ActivationLog | undefined } {
  const at = tail.length - (log?.bytes ?? 0);
  if (at < 0) throw invalid(`a result of ${at} bytes`);
  const [bytes, logBytes] = [tail.subarray(0, at), tail.subarray(at)];
  checkLogBytes(job, logBytes.length);
  return {
    completion: {
      ...withinCall(job, completion),
      ...resultFrom(bytes, resultBytes, completion.status),
    },
    log: log && fromParts({ ...log, parts: [logBytes] }),
  };
}

/** Without times outside of the call. */
function withinCall({ acceptedAt }: Job, completion: HeadOf<'res'>['completion']) {
  const { waitMs, initMs, sandboxMs, startedAt, endedAt, violations, traffic, ...rest } = completion;
  // This clock may have been set back since the job came.
  const now = Math.max(Date.now(), acceptedAt);
  const start = clamped(startedAt, acceptedAt, now);
  const most = (ms: number) => Math.min(ms, now - acceptedAt);
  const dated = <T extends { readonly at: number }>(all: readonly T[]) =>
    all.map((each) => ({ ...each, at: clamped(each.at, acceptedAt, now) }));
  const connections = traffic?.connections && { connections: dated(traffic.connections) };
  return {
    ...rest,
    ...{ startedAt: start, endedAt: clamped(endedAt, start, now), waitMs: most(waitMs) },
    ...(initMs === undefined ? {} : { initMs: most(initMs) }),
    ...(sandboxMs === undefined ? {} : { sandboxMs: most(sandboxMs) }),
    ...(violations === undefined ? {} : { violations: dated(violations) }),
    ...(traffic === undefined ? {} : { traffic: { ...traffic, ...connections } }),
  };
}

type Result = Pick<Completion, 'status' | 'result' | 'json' | 'utf8' | 'sizeBytes'>;

function resultFrom(bytes: Buffer, resultBytes: number, sentStatus: Completion['status']): Result {
  if (bytes.length > resultBytes) {
    // The other node allows larger ones, or does not keep to any limit.
    const shown = bytes.toString('utf8', 0, shownBytes);
    const result = { error: tooLargeText(bytes.length, resultBytes, shown) };
    const json = JSON.stringify(result);
    const status = sentStatus === 'success' ? 'application error' : sentStatus;
    return { status, result, json, sizeBytes: Buffer.byteLength(json) };
  }
  const { text: json, value: result } = readTail(bytes, 'result');
  const utf8 = bytes.length < largeBytes ? {} : { utf8: ownCopy(bytes) };
  return { status: sentStatus, result, json, ...utf8, sizeBytes: bytes.length };
}

function checkLogBytes({ limits }: Job, bytes: number): void {
  if (bytes > limits.logBytes * logFactor + logExtraBytes) throw invalid(`a log of ${bytes} bytes or more`);
}

function clamped(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/**
 * Keeps a part of the log. Returns the whole log when the last missing part is there.
 * @throws Fault MESSAGE_INVALID
 */
export function keepLogPart(
  open: OpenJob,
  { part, parts, ...form }: HeadOf<'log'>,
  tail: Buffer,
): ActivationLog | undefined {
  if (part >= parts || (open.logParts.length > 0 && open.logParts.length !== parts))
    throw invalid('a part of a log does not fit the others');
  if (open.logParts.length === 0) open.logParts.length = parts;
  if (open.logParts[part] !== undefined) return undefined;
  open.logBytes += tail.length;
  checkLogBytes(open.job, open.logBytes);
  open.logParts[part] = Buffer.from(tail);
  open.logPartsHere++;
  if (open.logPartsHere < parts) return undefined;
  return fromParts({ ...form, parts: open.logParts.filter((each) => each !== undefined) });
}

/** Stands for a log that never came. */
export function lostLogOf({ node, job }: OpenJob): ActivationLog {
  const line = `The log was lost: node ${node}, which had it, is not heard any more.`;
  return lostLog(job.limits, [formatLine('stderr', line)]);
}

/** Of its own memory, so that it can be given back. */
function ownCopy(bytes: Buffer): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
