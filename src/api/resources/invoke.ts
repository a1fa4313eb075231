/** `POST …/actions/{name}`. Every call takes this path, so it does nothing twice. */
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import {
  type Functions,
  type InvokeAnswer,
  isArrayResult,
  malformed,
  serialiseRecord,
  serialiseResult,
} from '../../functions/index.ts';
import { giveBack, isJsonObject, type JsonObject, relativeUrl } from '../../lib/index.ts';
import { anyEntityOf, identityOf } from '../authentication.ts';
import { markRecordLost, sendJson } from '../errors.ts';
import { queryBoolean, queryWaitMs } from '../query.ts';
import { sendRateLimit } from '../rate-limit.ts';
import { traceparentOf } from '../transaction.ts';

export function invokeHandler({ invocations, limits }: Functions): RouteHandlerMethod {
  return async (request, reply) => {
    const { query } = request;
    const identity = identityOf(request);
    const action = anyEntityOf(request, identity);
    const blocking = queryBoolean(query, 'blocking', false);
    const resultOnly = queryBoolean(query, 'result', false);
    const waitMs = queryWaitMs(query, limits.blockingWaitMs);
    const payload = payloadOf(request);
    let answer: InvokeAnswer;
    try {
      answer = await invocations.invoke({
        identity,
        action,
        payload,
        waitMs: blocking ? waitMs : undefined,
        transactionId: request.id,
        authorization: request.headers.authorization,
        traceparent: traceparentOf(request.headers),
      });
    } finally {
      // Sent for a refused call, too.
      sendRateLimit(reply, invocations.usage(identity));
    }
    return sendAnswer(request, reply, answer, resultOnly);
  };
}

function payloadOf({ body }: FastifyRequest): JsonObject {
  if (body === undefined) return {};
  if (isJsonObject(body)) return body;
  throw malformed('the payload must be a JSON object');
}

function sendAnswer({ url }: FastifyRequest, reply: FastifyReply, answer: InvokeAnswer, resultOnly: boolean) {
  const { activationId, record } = answer;
  reply.header('x-openwhisk-activation-id', activationId);
  markRecordLost(reply, answer.isRecordLost);
  if (record === undefined) {
    const stream = `/api/v1/namespaces/_/activations/${activationId}/stream`;
    reply.header('location', relativeUrl(url, stream));
    return sendJson(reply, 202, `{"activationId":"${activationId}"}`);
  }
  const { result } = record;
  const whole = resultOnly || isArrayResult(result) ? serialiseResult(record) : serialiseRecord(record);
  if (typeof whole !== 'string') giveBackWhenSent(reply, whole);
  return sendJson(reply, statusOf(record), whole);
}

function statusOf({ status, isLost }: NonNullable<InvokeAnswer['record']>): number {
  if (status === 'success') return 200;
  return status === 'whisk internal error' && !isLost ? 500 : 502;
}

/** A broken connection may still read from the buffer, so then the garbage collector frees it. */
function giveBackWhenSent({ raw }: FastifyReply, bytes: Buffer): void {
  raw.once('finish', () => {
    if (!raw.destroyed) giveBack(bytes);
  });
}
