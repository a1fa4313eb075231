/** `/egress`: what functions reached over the network, and what was refused to them. OpenWhisk has no such route. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { EgressTargets } from '../../answers/index.ts';
import { dayOf, type Functions, parseEgressPlace } from '../../functions/index.ts';
import { identityOf } from '../authentication.ts';
import { sendUncached } from '../errors.ts';
import { malformedQuery, queryBoolean, queryDay, queryPage, queryText } from '../query.ts';
import { addResource } from '../resource.ts';

type Parts = Pick<Functions, 'egress' | 'limits'>;

const usualDays = 7;

/** @param scope with authentication, below `/ward/v1` */
export function addEgress(scope: FastifyInstance, { egress, limits }: Parts): void {
  addResource(scope, ['/egress'], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = identityOf(request);
        const found: EgressTargets = await egress({ ...filterOf(request, limits), namespace });
        return sendUncached(reply, found);
      },
    },
  });
}

/** `/ward/v1/operator/egress`: of all namespaces. @param scope for operators */
export function addOperatorEgress(scope: FastifyInstance, { egress, limits }: Parts): void {
  addResource(scope, ['/egress'], {
    GET: {
      access: 'operator',
      handler: async (request, reply) => {
        const namespace = queryText(request.query, 'namespace') || undefined;
        const found: EgressTargets = await egress({ ...filterOf(request, limits), namespace });
        return sendUncached(reply, found);
      },
    },
  });
}

function filterOf({ query }: FastifyRequest, { list }: Functions['limits']) {
  const until = queryDay(query, 'until') ?? dayOf(Date.now());
  const next = queryText(query, 'after');
  const after = next === undefined ? undefined : parseEgressPlace(next);
  if (next !== undefined && after === undefined) throw malformedQuery('after', 'it is not `next` of a page');
  const isFiltered = queryText(query, 'refused') !== undefined;
  return {
    ...{ until, since: queryDay(query, 'since') ?? until - usualDays + 1, after },
    action: queryText(query, 'action') || undefined,
    target: queryText(query, 'target') ?? '',
    isRefused: isFiltered ? queryBoolean(query, 'refused', false) : undefined,
    limit: queryPage(query, 'egress', list).limit,
  };
}
