/** `/namespaces/{ns}/triggers`: create, change, read, list, delete, fire. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  type FiringService,
  malformed,
  type ParameterReads,
  type SystemLimits,
  type TriggerService,
} from '../../functions/index.ts';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import { identityOf } from '../authentication.ts';
import { markRecordLost, sendJson } from '../errors.ts';
import type { UploadBudget } from '../request-memory.ts';
import { traceparentOf } from '../transaction.ts';
import { addPlainEntities, plainOf } from './plain-entity.ts';

interface TriggerParts {
  readonly triggers: TriggerService;
  readonly parameterReads: ParameterReads;
  readonly firing: Pick<FiringService, 'fire'>;
  readonly limits: SystemLimits;
}

export function addTriggers(
  scope: FastifyInstance,
  { triggers, firing, limits, parameterReads }: TriggerParts,
  uploads: UploadBudget,
): void {
  addPlainEntities(scope, {
    collection: 'triggers',
    service: {
      ...triggers,
      async get(ref) {
        const trigger = await triggers.get(ref);
        await parameterReads.note('trigger', ref, trigger.parameters);
        return trigger;
      },
    },
    limits,
    uploads,
    post: {
      access: 'invoke',
      bodyLimit: limits.payloadBytes,
      handler: async (request, reply) => {
        const identity = identityOf(request);
        const fired = await firing.fire({
          identity,
          trigger: plainOf(request, identity),
          payload: payloadOf(request),
          transactionId: request.id,
          authorization: request.headers.authorization,
          traceparent: traceparentOf(request.headers),
        });
        if (fired === undefined) return reply.code(204).send();
        reply.header('x-openwhisk-activation-id', fired.activationId);
        markRecordLost(reply, fired.isRecordLost);
        return sendJson(reply, 202, JSON.stringify({ activationId: fired.activationId }));
      },
    },
  });
}

function payloadOf({ body }: FastifyRequest): JsonObject {
  if (body === undefined) return {};
  if (isJsonObject(body)) return body;
  throw malformed('the payload must be a JSON object');
}
