/** `/namespaces/{ns}/earlier/{name}`: the code that the last change of an action's code replaced. */
import type { FastifyInstance } from 'fastify';
import type { Functions } from '../../functions/index.ts';
import { entityOf, identityOf } from '../authentication.ts';
import { addResource } from '../resource.ts';
import { sendAction } from './actions.ts';

/**
 * Only for the action's own namespace: what others may read is what an action is now.
 * @param scope with authentication, below `/ward/v1`
 */
export function addEarlierCode(scope: FastifyInstance, { actions }: Pick<Functions, 'actions'>): void {
  const root = '/namespaces/:ns/earlier/:name';
  addResource(scope, [root, `${root}/:inner`], {
    GET: {
      access: 'read',
      handler: async (request, reply) =>
        sendAction(reply, await actions.earlierCode(entityOf(request, identityOf(request)))),
    },
  });
}
