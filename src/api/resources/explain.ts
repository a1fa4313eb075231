/** `/namespaces/{ns}/explain/{name}`: what the gate says about an action, and how its sandboxes are confined. */

import type { FastifyInstance } from 'fastify';
import type { Explained } from '../../answers/index.ts';
import type { EntityRef, Identity } from '../../functions/index.ts';
import { entityOf, identityOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';

/** @throws Fault NOT_FOUND, and those of a policy that goes beyond what the operator allows */
export type ExplainAction = (ref: EntityRef, caller: Identity) => Promise<Explained>;

/** @param scope with authentication, below `/ward/v1` */
export function addExplain(scope: FastifyInstance, explain: ExplainAction): void {
  const root = '/namespaces/:ns/explain/:name';
  addResource(scope, [root, `${root}/:inner`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const identity = identityOf(request);
        const answer = await explain(entityOf(request, identity), identity);
        return sendJson(reply, 200, JSON.stringify(answer));
      },
    },
  });
}
