/**
 * Answers callers of the API and of web actions while the disk, the machine, the database or the object store fails for a
 * time: it tells them when to retry, but no paths, addresses, sizes or reasons, which are for the operator.
 */
import type { FastifyRequest } from 'fastify';
import {
  type Fault,
  type HostTrouble,
  hostTroubleOf,
  isFault,
  type JsonObject,
  type Log,
  messageOf,
  outageTextOf,
} from '../lib/index.ts';
import { statusOfKind } from './faults.ts';
import { requestIds } from './transaction.ts';

export interface TroubleAnswer {
  readonly status: number;
  /** For the header that names the fault. */
  readonly code: string;
  readonly text: string;
  readonly retrySeconds: number;
  /** Further fields of the answer. */
  readonly details?: JsonObject | undefined;
}

/** Ward checks the disk every second, but room must come from other data, or from an operator. */
const retrySeconds = 30;

const answers: Readonly<Record<HostTrouble, TroubleAnswer & { readonly logged: string }>> = {
  'disk-full': {
    ...{ status: statusOfKind.full, code: 'STORE_FULL', retrySeconds },
    text: 'The server has no room on its disk for this now. Try again later, or ask its operator. You can still read and delete existing data.',
    logged: 'the disk has no room for a request',
  },
  'disk-failing': {
    ...{ status: statusOfKind.busy, code: 'STORE_UNWRITABLE', retrySeconds },
    text: "The server's disk is read-only or fails. Try again later, or ask its operator. You may still be able to read existing data.",
    logged: 'the disk fails a request',
  },
  exhausted: {
    ...{ status: statusOfKind.busy, code: 'MACHINE_EXHAUSTED', retrySeconds },
    text: 'The server has no file descriptor, process or memory left for this now. Try again later, or ask its operator.',
    logged: 'the machine has nothing left for a request',
  },
};

/** Logs the details that the caller does not get. Returns undefined for other errors. */
export function troubleAnswer(log: Log, error: unknown, request: FastifyRequest): TroubleAnswer | undefined {
  const text = outageTextOf(error);
  return isFault(error) && text !== undefined
    ? outageAnswer(log, error, request, text)
    : hostAnswer(log, error, request);
}

function outageAnswer(log: Log, error: Fault, request: FastifyRequest, text: string): TroubleAnswer {
  const { code, retryAfterMs = retrySeconds * 1000, details } = error;
  log.warn({ ...requestIds(request), code, reason: error.message }, 'a request could not be served');
  return {
    ...{ status: statusOfKind.busy, code, text, details },
    retrySeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)),
  };
}

function hostAnswer(log: Log, error: unknown, request: FastifyRequest): TroubleAnswer | undefined {
  const trouble = hostTroubleOf(error);
  if (trouble === undefined) return undefined;
  const { logged, ...answer } = answers[trouble];
  // Ward logged the reserve when the refusals began; a line for each request would fill the disk.
  if (!isFault(error, 'DISK_RESERVED'))
    log.error({ ...requestIds(request), reason: messageOf(error) }, logged);
  return isFault(error) && error.kind === 'full' ? { ...answer, code: error.code } : answer;
}
