/**
 * Sends every error as OpenWhisk's `{"error": text, "code": transaction id}`: faults by their kind, Fastify's own by their
 * status, and everything else as a 500 without internal details.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isFault, type JsonObject, type Log, messageOf, nodeCodeOf } from '../lib/index.ts';
import { statusOfKind } from './faults.ts';
import { sendRetryAfter } from './rate-limit.ts';
import { isOfConsole } from './session-cookies.ts';
import { newTransactionId, requestIds } from './transaction.ts';
import { troubleAnswer } from './trouble.ts';

/** Carries the code of the fault (docs/reference/errors.md), for which OpenWhisk's body has no field. */
export const faultHeader = 'x-ward-fault';
/** `lost`: Ward cannot promise to keep the record of this activation. */
export const recordHeader = 'x-ward-record';
const internalText = 'There was an internal server error.';

export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  text: string,
  details?: JsonObject,
) {
  if (status === 401 && !reply.hasHeader('www-authenticate'))
    // A browser would ask for a name and a password of its own.
    reply.header(
      'www-authenticate',
      isOfConsole(request) ? 'Session' : 'Basic realm="OpenWhisk secure realm"',
    );
  reply.header('x-request-id', request.id);
  return sendJson(reply, status, errorJson(text, request.id, details));
}

/** @param json serialised JSON, UTF-8 if it is bytes */
export function sendJson(reply: FastifyReply, status: number, json: string | Buffer) {
  return reply.code(status).header('content-type', 'application/json').send(json);
}

/** Sends an answer that no cache may keep. */
export function sendUncached(reply: FastifyReply, answer: object, status = 200) {
  return sendJson(reply.header('cache-control', 'no-store'), status, JSON.stringify(answer));
}

export function errorHandler(log: Log) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const trouble = troubleAnswer(log, error, request);
    if (trouble !== undefined) {
      reply.header(faultHeader, trouble.code).header('retry-after', trouble.retrySeconds);
      return sendError(request, reply, trouble.status, trouble.text, trouble.details);
    }
    if (isFault(error)) {
      const status = statusOfKind[error.kind];
      const about = { transactionId: request.id, code: error.code };
      if (status === 500) log.error({ ...about, err: error }, 'a fault');
      else if (status > 500) log.warn({ ...about, reason: error.message }, 'a request could not be served');
      sendRetryAfter(reply, error);
      if (status === 500) return sendError(request, reply, status, internalText);
      reply.header(faultHeader, error.code);
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      return sendError(request, reply, status, error.message, { ...hint, ...error.details });
    }
    const status = statusOfFrameworkError(error);
    if (status === 500) {
      log.error({ ...requestIds(request), err: error }, 'an unexpected error');
      return sendError(request, reply, status, internalText);
    }
    return sendError(request, reply, status, textOfFrameworkError(status, error, request));
  };
}

/** @param isRecordLost taken from the answer to a call or a firing */
export function markRecordLost(reply: FastifyReply, isRecordLost: boolean): void {
  if (isRecordLost) reply.header(recordHeader, 'lost');
}

/** Handles non-HTTP input and a head that is too large or too slow: there is no request to answer, only a socket. */
export function clientErrorHandler(error: Error, socket: Duplex): void {
  if (nodeCodeOf(error) === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  endWith(socket, statusLineOf(nodeCodeOf(error)));
}

/** Reads no more: what comes late would run although its client was told that it was refused. */
function endWith(socket: Duplex, line: string): void {
  const body = errorJson(line.slice('400 '.length), newTransactionId());
  socket.end(
    `HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** Answers a body that takes too long while it is still arriving, and ends its connection. HTTP/2 ends the request only. */
export function refuseSlow(request: IncomingMessage): void {
  if (request.httpVersionMajor === 2) request.destroy(new Error('the body takes too long'));
  else endWith(request.socket, '408 Request Timeout');
}

function statusLineOf(code: string | undefined): string {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  if (code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  return '400 Bad Request';
}

function errorJson(text: string, transactionId: string, details?: JsonObject): string {
  return JSON.stringify({ error: text, code: transactionId, ...details });
}

function statusOfFrameworkError(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : 500;
}

function textOfFrameworkError(status: number, error: unknown, request: FastifyRequest): string {
  if (status === 413) {
    const limit = request.routeOptions.bodyLimit ?? 0;
    const declared = Number(request.headers['content-length']);
    const bytes = declared > limit ? String(declared) : `more than ${limit}`;
    return `Request larger than allowed: ${bytes} > ${limit} bytes.`;
  }
  if (status === 415) return "The request's Content-Type is not supported. Expected:\napplication/json";
  return messageOf(error);
}
