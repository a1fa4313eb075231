/** `/namespaces/{ns}/dead-letters`: deliveries that rules with `retry` have given up. OpenWhisk has no such resource. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { DeadLetter } from '../../answers/index.ts';
import {
  type DeliveryService,
  type EntityName,
  parseEntityName,
  type SystemLimits,
} from '../../functions/index.ts';
import { asKey } from '../actors.ts';
import { identityOf, namespaceOf, pathPart } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { queryText } from '../query.ts';
import { addResource } from '../resource.ts';
import { sendPage } from './plain-entity.ts';

interface DeadLetterParts {
  readonly deliveries: Pick<DeliveryService, 'dead' | 'countDead' | 'replay' | 'delete'>;
  readonly limits: SystemLimits;
}

const collection = 'dead-letters';

/** @param scope with authentication, below `/ward/v1` */
export function addDeadLetters(scope: FastifyInstance, { deliveries, limits }: DeadLetterParts): void {
  const root = `/namespaces/:ns/${collection}`;
  addResource(scope, [root, `${root}/`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const filter = { namespace, rule: ruleFilter(request) };
        return sendPage(request, reply, collection, limits, {
          list: (page): Promise<readonly DeadLetter[]> => deliveries.dead(filter, page),
          count: () => deliveries.countDead(filter),
        });
      },
    },
  });
  addResource(scope, [`${root}/:id`], {
    DELETE: {
      access: 'deploy',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        await deliveries.delete(namespace, pathPart(request, 'id'));
        return reply.code(204).send();
      },
    },
  });
  addResource(scope, [`${root}/:id/replay`], {
    POST: {
      access: 'invoke',
      handler: async (request, reply) => {
        const identity = identityOf(request);
        namespaceOf(request, identity);
        const { authorization } = request.headers;
        const caller = { identity, transactionId: request.id, authorization };
        const id = pathPart(request, 'id');
        const { activationId } = await asKey(request, () => deliveries.replay(id, caller));
        reply.header('x-openwhisk-activation-id', activationId);
        return sendJson(reply, 202, JSON.stringify({ activationId }));
      },
    },
  });
}

/** @throws Fault NAME_INVALID */
function ruleFilter({ query }: FastifyRequest): EntityName | undefined {
  const text = queryText(query, 'rule');
  return text === undefined || text === '' ? undefined : parseEntityName(text);
}
