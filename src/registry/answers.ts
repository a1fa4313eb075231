/** Sends every refusal as OCI's `{"errors": [{code, message}]}`. Source: distribution-spec v1.1, "Error Codes". */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { registryStoreFaults } from '../content/index.ts';
import {
  type Fault,
  type FaultKind,
  hostTroubleOf,
  isFault,
  type Log,
  messageOf,
  outageTextOf,
} from '../lib/index.ts';
import type { registryFaults } from './faults.ts';

type CodeAnswer = readonly [status: number, code: string];

/** Faults with an OCI code of their own. */
export const answers: Readonly<
  Record<keyof typeof registryStoreFaults | keyof typeof registryFaults | 'BLOB_DIGEST_WRONG', CodeAnswer>
> = {
  REPOSITORY_INVALID: [400, 'NAME_INVALID'],
  REPOSITORY_UNKNOWN: [404, 'NAME_UNKNOWN'],
  TAG_INVALID: [400, 'NAME_INVALID'],
  BLOB_UNKNOWN: [404, 'BLOB_UNKNOWN'],
  BLOB_BUSY: [503, 'UNAVAILABLE'],
  BLOB_DIGEST_WRONG: [400, 'DIGEST_INVALID'],
  BLOB_SIZE_WRONG: [400, 'SIZE_INVALID'],
  UPLOAD_UNKNOWN: [404, 'BLOB_UPLOAD_UNKNOWN'],
  UPLOAD_OUT_OF_ORDER: [416, 'BLOB_UPLOAD_INVALID'],
  UPLOAD_TAKEN_OVER: [409, 'BLOB_UPLOAD_INVALID'],
  UPLOADS_EXHAUSTED: [429, 'TOOMANYREQUESTS'],
  MANIFEST_INVALID: [400, 'MANIFEST_INVALID'],
  MANIFEST_UNKNOWN: [404, 'MANIFEST_UNKNOWN'],
  MANIFEST_PART_UNKNOWN: [400, 'MANIFEST_BLOB_UNKNOWN'],
  CONTENT_IN_USE: [405, 'UNSUPPORTED'],
  STORAGE_EXHAUSTED: [413, 'DENIED'],
  CREDENTIALS_NEEDED: [401, 'UNAUTHORIZED'],
  PUSH_DENIED: [403, 'DENIED'],
  PULL_DENIED: [403, 'DENIED'],
  ENDPOINT_UNKNOWN: [404, 'UNSUPPORTED'],
  METHOD_UNSUPPORTED: [405, 'UNSUPPORTED'],
  RANGE_UNSATISFIABLE: [416, 'SIZE_INVALID'],
  CONTENT_RANGE_INVALID: [400, 'BLOB_UPLOAD_INVALID'],
  DIGEST_UNSUPPORTED: [400, 'DIGEST_INVALID'],
  REFERENCE_UNKNOWN: [404, 'MANIFEST_UNKNOWN'],
  MANIFEST_DIGEST_WRONG: [400, 'DIGEST_INVALID'],
  PAGE_INVALID: [400, 'PAGINATION_NUMBER_INVALID'],
  SCOPE_INVALID: [400, 'UNSUPPORTED'],
  MANIFEST_TOO_LARGE: [413, 'SIZE_INVALID'],
  MANIFESTS_BUSY: [429, 'TOOMANYREQUESTS'],
  UPLOADS_BUSY: [429, 'TOOMANYREQUESTS'],
};

/** Answers to faults of other rooms, above all the gate's. */
const answersOfKind: Readonly<Record<FaultKind, CodeAnswer>> = {
  invalid: [400, 'UNSUPPORTED'],
  unauthenticated: [401, 'UNAUTHORIZED'],
  denied: [403, 'DENIED'],
  missing: [404, 'NAME_UNKNOWN'],
  conflict: [409, 'UNSUPPORTED'],
  stale: [412, 'UNSUPPORTED'],
  'too-large': [413, 'SIZE_INVALID'],
  unsupported: [415, 'UNSUPPORTED'],
  unprocessable: [422, 'DENIED'],
  throttled: [429, 'TOOMANYREQUESTS'],
  overloaded: [429, 'TOOMANYREQUESTS'],
  busy: [503, 'UNAVAILABLE'],
  unreachable: [502, 'UNAVAILABLE'],
  full: [507, 'DENIED'],
  host: [500, 'UNKNOWN'],
  bug: [500, 'UNKNOWN'],
};

const ofImages: Readonly<Record<string, CodeAnswer>> = {
  DIGEST_INVALID: [400, 'DIGEST_INVALID'],
  BLOB_NOT_FOUND: [404, 'BLOB_UNKNOWN'],
};

/** Time in which disk space may become free, or the disk may recover. */
const troubleRetrySeconds = 30;
const internalText = 'the registry failed; see its log';
const fullText =
  'the server has no room on its disk for this now: try again later, or ask its operator; pushed content stays';

export function statusOf(error: unknown): number {
  return answerOf(error)[0];
}

export function answerError(request: FastifyRequest, reply: FastifyReply, error: unknown, log: Log): void {
  const [status, code] = answerOf(error);
  const isBusy = isFault(error) && error.kind === 'busy';
  const outageText = outageTextOf(error);
  const about = { transactionId: request.id, method: request.method, path: request.url };
  if (outageText !== undefined)
    log.warn({ ...about, reason: messageOf(error) }, 'a request of the registry could not be served');
  else if (status >= 500 && !isBusy && !isFault(error, 'DISK_RESERVED'))
    log.error({ ...about, err: error }, 'the registry failed');
  const retrySeconds = retrySecondsOf(error);
  if (retrySeconds !== undefined) reply.header('retry-after', String(retrySeconds));
  const message =
    outageText ?? (status === 507 ? fullText : status >= 500 && !isBusy ? internalText : textOf(error));
  const body = { errors: [{ code, message, detail: null }] };
  reply
    .code(status)
    .header('content-type', 'application/json')
    .send(request.method === 'HEAD' ? undefined : Buffer.from(JSON.stringify(body)));
}

function retrySecondsOf(error: unknown): number | undefined {
  if (isFault(error) && error.retryAfterMs !== undefined) return Math.ceil(error.retryAfterMs / 1000);
  return hostTroubleOf(error) === undefined && outageTextOf(error) === undefined
    ? undefined
    : troubleRetrySeconds;
}

function answerOf(error: unknown): CodeAnswer {
  if (outageTextOf(error) !== undefined) return answersOfKind.busy;
  const trouble = hostTroubleOf(error);
  if (trouble !== undefined) return answersOfKind[trouble === 'disk-full' ? 'full' : 'busy'];
  if (isFault(error)) return knownAnswer(error) ?? answersOfKind[error.kind];
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500
    ? [status, 'UNSUPPORTED']
    : [500, 'UNKNOWN'];
}

function knownAnswer({ code }: Fault): CodeAnswer | undefined {
  const all: Readonly<Record<string, CodeAnswer>> = { ...ofImages, ...answers };
  return Object.hasOwn(all, code) ? all[code] : undefined;
}

/** One line, since clients print it after the name of the image. */
function textOf(error: unknown): string {
  const hint = isFault(error) && error.hint !== undefined ? `; ${error.hint}` : '';
  return `${messageOf(error)}${hint}`.replaceAll(/\s*\n\s*/g, ' ');
}
