/** A job that was sent to another node, until its end and its log are here. */
import { type ActivationLog, formatLine } from '../activation-log.ts';
import type { SentJob } from '../placement/types.ts';
import type { Completion, Handover, Job, JobEnd } from '../types.ts';
import { invalid } from '../wire/frames.ts';
import type { HeadOf } from '../wire/heads.ts';
import { fromParts } from '../wire/log-parts.ts';

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
  logBytes: number;
  isCancelled: boolean;
}

/** A result of this size is kept as bytes, too. */
const largeBytes = 64 * 1024;
/** Above the largest result that an operator can allow. */
const mostResultBytes = 17 * 1024 * 1024;
/** A line takes more bytes in JSON than it counts in the log's limit. */
const logFactor = 8;
const logExtraBytes = 1024 * 1024;

/**
 * The completion, and the log if it came with it.
 * @throws Fault MESSAGE_INVALID
 */
export function endFrom(
  { completion, log }: HeadOf<'res'>,
  tail: Buffer,
): { readonly completion: Completion; readonly log: ActivationLog | undefined } {
  const resultBytes = tail.length - (log?.bytes ?? 0);
  if (resultBytes < 0 || resultBytes > mostResultBytes) throw invalid(`a result of ${resultBytes} bytes`);
  const bytes = tail.subarray(0, resultBytes);
  const json = bytes.toString();
  const { initMs, ...rest } = completion;
  const result = jsonOf(json);
  return {
    completion: {
      ...rest,
      ...(initMs === undefined ? {} : { initMs }),
      result,
      json,
      ...(resultBytes < largeBytes ? {} : { utf8: ownCopy(bytes) }),
      sizeBytes: resultBytes,
    },
    log: log && fromParts({ isLong: log.isLong, parts: [tail.subarray(resultBytes)] }),
  };
}

/**
 * Keeps a part of the log. Returns the whole log when the last missing part is there.
 * @throws Fault MESSAGE_INVALID
 */
export function keepLogPart(
  open: OpenJob,
  { isLong, part, parts }: HeadOf<'log'>,
  tail: Buffer,
): ActivationLog | undefined {
  if (part >= parts || (open.logParts.length > 0 && open.logParts.length !== parts))
    throw invalid('a part of a log does not fit the others');
  if (open.logParts.length === 0) open.logParts.length = parts;
  if (open.logParts[part] !== undefined) return undefined;
  open.logBytes += tail.length;
  if (open.logBytes > open.job.limits.logBytes * logFactor + logExtraBytes)
    throw invalid(`a log of more than ${open.logBytes} bytes`);
  open.logParts[part] = Buffer.from(tail);
  const found = open.logParts.filter((each) => each !== undefined);
  return found.length === parts ? fromParts({ isLong, parts: found }) : undefined;
}

/** Stands for a log that never came. */
export function lostLog({ node, job }: OpenJob): ActivationLog {
  const line = `The log was lost: node ${node}, which had it, is not heard any more.`;
  return job.limits.logBytes === 0 ? [] : [formatLine('stderr', line)];
}

/** Of its own memory, so that it can be given back. */
function ownCopy(bytes: Buffer): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

function jsonOf(text: string): Completion['result'] {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('a result is not JSON');
  }
}
