/** Answers errors of calls to web actions: it explains refusals, but not internal failures. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tooLarge } from '../../functions/index.ts';
import { type Fault, isFault, type Log } from '../../lib/index.ts';
import { statusOfKind } from '../faults.ts';
import { type TroubleAnswer, troubleAnswer } from '../trouble.ts';
import { type AnswerHeaders, errorAnswer, send, withHeaders } from './answer.ts';
import { finished } from './web-state.ts';

interface WebErrorOptions {
  readonly maxBodyBytes: number;
  readonly log: Log;
}

interface Told {
  readonly status: number;
  readonly text: string;
  readonly headers: AnswerHeaders;
}

const internal: Told = { status: 500, text: 'There was an internal server error.', headers: {} };

export function webErrorHandler({ maxBodyBytes, log }: WebErrorOptions) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const trouble = troubleAnswer(log, error, request.id);
    const told = trouble === undefined ? toldOf(error, request, maxBodyBytes) : ofTrouble(trouble);
    if (told.status === 500) log.error({ transactionId: request.id, err: error }, 'a web call failed');
    const answer = withHeaders(errorAnswer(told.status, told.text, request.id), told.headers);
    return send(reply, finished(request, withHeaders(answer, request.web?.call?.headers ?? {})));
  };
}

function toldOf(error: unknown, request: FastifyRequest, maxBodyBytes: number): Told {
  return isFault(error) ? ofFault(error) : ofFramework(error, request, maxBodyBytes);
}

function ofTrouble({ status, text, retrySeconds }: TroubleAnswer): Told {
  return { status, text, headers: { 'retry-after': String(retrySeconds) } };
}

function ofFault({ kind, message, retryAfterMs }: Fault): Told {
  const status = statusOfKind[kind];
  if (status === 500) return internal;
  if (retryAfterMs === undefined) return { status, text: message, headers: {} };
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return { status, text: message, headers: { 'retry-after': String(seconds) } };
}

/** Answers Fastify's own errors by their status. */
function ofFramework(error: unknown, { headers }: FastifyRequest, maxBytes: number): Told {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 413) {
    const sent = Math.max(Number(headers['content-length'] ?? 0), maxBytes + 1);
    return { status, text: tooLarge('Request', sent, maxBytes).message, headers: {} };
  }
  if (status === 415) return { status, text: "The request's Content-Type is malformed.", headers: {} };
  if (!(error instanceof Error) || !(status >= 400 && status < 500)) return internal;
  return { status, text: error.message, headers: {} };
}
