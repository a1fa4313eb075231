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

const noDatabase =
  'The server does not reach its database, or is refused there. Try again later, or ask its operator.';
const noObjects =
  'The server does not reach its object store, or is refused there. Try again later, or ask its operator.';
/** By the code of a fault whose own text names the database or the object store. */
const ofEngines: ReadonlyMap<string, string> = new Map([
  ['STORE_UNREACHABLE', noDatabase],
  ['STORE_REFUSED', noDatabase],
  ['GATE_STORE_UNREACHABLE', noDatabase],
  ['BLOB_STORE_UNREACHABLE', noObjects],
  ['BLOB_STORE_REFUSED', noObjects],
  ['STORE_LOCKED', 'The database of the server is busy. Try again later.'],
  [
    'STORE_ANSWER_LOST',
    'The server lost its database before it knew whether this was done. See whether it was, and try again if it was not.',
  ],
]);

/** Logs the details that the caller does not get. Returns undefined for other errors. */
export function troubleAnswer(log: Log, error: unknown, request: FastifyRequest): TroubleAnswer | undefined {
  const text = isFault(error) ? ofEngines.get(error.code) : undefined;
  return isFault(error) && text !== undefined
    ? engineAnswer(log, error, request, text)
    : hostAnswer(log, error, request);
}

function engineAnswer(log: Log, error: Fault, request: FastifyRequest, text: string): TroubleAnswer {
  const { code, kind, retryAfterMs = retrySeconds * 1000, details } = error;
  log.warn({ ...requestIds(request), code, reason: error.message }, 'a request could not be served');
  return {
    ...{ status: statusOfKind[kind], code, text, details },
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
