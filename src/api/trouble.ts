/**
 * What callers are told while the disk or the machine fails for a time, over the API and of web actions: when to come
 * again. Paths, sizes and reasons are the operator's to know.
 */
import { type HostTrouble, hostTroubleOf, isFault, type Log, messageOf } from '../lib/index.ts';
import { statusOfKind } from './faults.ts';

export interface TroubleAnswer {
  readonly status: number;
  /** For the header with the fault. */
  readonly code: string;
  readonly text: string;
  readonly retrySeconds: number;
}

/** Ward looks at the disk every second; other data has to make room, or an operator has to come. */
const retrySeconds = 30;

const answers: Readonly<Record<HostTrouble, TroubleAnswer & { readonly logged: string }>> = {
  'disk-full': {
    ...{ status: statusOfKind.full, code: 'STORE_FULL', retrySeconds },
    text: 'The server has no room on its disk for this now. Try again later, or ask its operator. What is there stays, and can be read and deleted.',
    logged: 'the disk has no room for a request',
  },
  'disk-failing': {
    ...{ status: statusOfKind.busy, code: 'STORE_UNWRITABLE', retrySeconds },
    text: "The server's disk is read-only or fails. Try again later, or ask its operator. What can be read is still there.",
    logged: 'the disk fails a request',
  },
  exhausted: {
    ...{ status: statusOfKind.busy, code: 'MACHINE_EXHAUSTED', retrySeconds },
    text: 'The server has no file descriptor, process or memory left for this now. Try again later, or ask its operator.',
    logged: 'the machine has nothing left for a request',
  },
};

/** Writes to the log what the caller is not told. Undefined: the error is of another kind. */
export function troubleAnswer(log: Log, error: unknown, transactionId: string): TroubleAnswer | undefined {
  const trouble = hostTroubleOf(error);
  if (trouble === undefined) return undefined;
  const { logged, ...answer } = answers[trouble];
  // Ward told of the reserve when the refusals began: a line for each request would fill the disk.
  if (!isFault(error, 'DISK_RESERVED')) log.error({ transactionId, reason: messageOf(error) }, logged);
  return isFault(error) && error.kind === 'full' ? { ...answer, code: error.code } : answer;
}
