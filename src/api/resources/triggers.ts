/** `/namespaces/{ns}/triggers`: create, change, read, list, delete, fire. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  type FiringService,
  malformed,
  type SystemLimits,
  type TriggerService,
} from '../../functions/index.ts';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { queryBoolean } from '../query.ts';
import { addResource } from '../resource.ts';
import type { UploadBudget } from '../upload-budget.ts';
import { entityBodyBytes, plainOf, requiredBody, sendPage } from './plain-entity.ts';

export interface TriggerParts {
  readonly triggers: TriggerService;
  readonly firing: Pick<FiringService, 'fire'>;
  readonly limits: SystemLimits;
}

const collection = 'triggers';

export function addTriggers(
  scope: FastifyInstance,
  { triggers, firing, limits }: TriggerParts,
  uploads: UploadBudget,
): void {
  const root = `/namespaces/:ns/${collection}`;
  addResource(scope, [root, `${root}/`], {
    GET: async (request, reply) => {
      const { namespace } = namespaceOf(request, identityOf(request));
      return sendPage(request, reply, collection, limits, {
        list: (page) => triggers.list(namespace, page),
        count: () => triggers.count(namespace),
      });
    },
  });
  addResource(scope, [`${root}/:name`], {
    GET: async (request, reply) => {
      const ref = plainOf(request, identityOf(request));
      return sendJson(reply, 200, JSON.stringify(await triggers.get(ref)));
    },
    PUT: {
      bodyLimit: entityBodyBytes,
      onRequest: uploads,
      handler: async (request, reply) => {
        const ref = plainOf(request, identityOf(request));
        const overwrite = queryBoolean(request.query, 'overwrite', false);
        const trigger = await triggers.put(ref, requiredBody(request), overwrite);
        return sendJson(reply, 200, JSON.stringify(trigger));
      },
    },
    DELETE: async (request, reply) => {
      const ref = plainOf(request, identityOf(request));
      return sendJson(reply, 200, JSON.stringify(await triggers.delete(ref)));
    },
    POST: {
      bodyLimit: limits.payloadBytes,
      handler: async (request, reply) => {
        const identity = identityOf(request);
        const fired = await firing.fire({
          identity,
          trigger: plainOf(request, identity),
          payload: payloadOf(request),
          transactionId: request.id,
          authorization: request.headers.authorization,
        });
        if (fired === undefined) return reply.code(204).send();
        reply.header('x-openwhisk-activation-id', fired.activationId);
        return sendJson(reply, 202, JSON.stringify(fired));
      },
    },
  });
}

function payloadOf({ body }: FastifyRequest): JsonObject {
  if (body === undefined) return {};
  if (isJsonObject(body)) return body;
  throw malformed('the payload must be a JSON object');
}
