/** Answers errors of calls to web actions: it explains refusals, but not internal failures. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tooLarge } from '../../functions/index.ts';
import { type Fault, isFault, type Log } from '../../lib/index.ts';
import { faultHeader } from '../errors.ts';
import { statusOfKind } from '../faults.ts';
import { requestIds } from '../transaction.ts';
import { type TroubleAnswer, troubleAnswer } from '../trouble.ts';
import { type AnswerHeaders, errorAnswer, send, withHeaders } from './answer.ts';
import { finished } from './web-state.ts';

interface WebErrorOptions {
  readonly maxBodyBytes: number;
  readonly log: Log;
}

interface PublicError {
  readonly status: number;
  readonly text: string;
  readonly headers: AnswerHeaders;
}

const internal: PublicError = { status: 500, text: 'There was an internal server error.', headers: {} };

export function webErrorHandler({ maxBodyBytes, log }: WebErrorOptions) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const trouble = troubleAnswer(log, error, request);
    const shown = trouble === undefined ? publicErrorOf(error, request, maxBodyBytes) : ofTrouble(trouble);
    if (shown.status === 500) log.error({ ...requestIds(request), err: error }, 'a web call failed');
    const answer = withHeaders(errorAnswer(shown.status, shown.text, request.id), shown.headers);
    return send(reply, finished(request, withHeaders(answer, request.web?.call?.headers ?? {})));
  };
}

function publicErrorOf(error: unknown, request: FastifyRequest, maxBodyBytes: number): PublicError {
  return isFault(error) ? ofFault(error) : ofFramework(error, request, maxBodyBytes);
}

function ofTrouble({ status, text, retrySeconds }: TroubleAnswer): PublicError {
  return { status, text, headers: { 'retry-after': String(retrySeconds) } };
}

function ofFault({ code, kind, message, retryAfterMs }: Fault): PublicError {
  const status = statusOfKind[kind];
  if (status === 500) return internal;
  // Monitors tell by it whether a namespace has reached a limit, or the platform has no room.
  const fault = status === 429 ? { [faultHeader]: code } : {};
  if (retryAfterMs === undefined) return { status, text: message, headers: fault };
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return { status, text: message, headers: { ...fault, 'retry-after': String(seconds) } };
}

/** Answers Fastify's own errors by their status. */
function ofFramework(error: unknown, { headers }: FastifyRequest, maxBytes: number): PublicError {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 413) {
    const sent = Math.max(Number(headers['content-length'] ?? 0), maxBytes + 1);
    return { status, text: tooLarge('Request', sent, maxBytes).message, headers: {} };
  }
  if (status === 415) return { status, text: "The request's Content-Type is malformed.", headers: {} };
  if (!(error instanceof Error) || !(status >= 400 && status < 500)) return internal;
  return { status, text: error.message, headers: {} };
}
