/** `/namespaces/{ns}/actions/figures`: what the gate says about each action of a page of the list, and how it did lately. */

import type { FastifyInstance } from 'fastify';
import type { FunctionFigures } from '../../answers/index.ts';
import type { Identity, ListRange, SystemLimits } from '../../functions/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { queryPage, queryText } from '../query.ts';
import { addResource } from '../resource.ts';

/** @param page of the list of actions, with the search that it has */
export type ListActionFigures = (
  caller: Pick<Identity, 'namespace'>,
  page: ListRange & { readonly search: string | undefined },
) => Promise<readonly FunctionFigures[]>;

/** @param scope with authentication, below `/ward/v1` */
export function addActionFigures(
  scope: FastifyInstance,
  listFigures: ListActionFigures,
  { list }: SystemLimits,
): void {
  addResource(scope, ['/namespaces/:ns/actions/figures'], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const caller = namespaceOf(request, identityOf(request));
        const page = queryPage(request.query, 'actions', list);
        const search = queryText(request.query, 'search');
        return sendJson(reply, 200, JSON.stringify(await listFigures(caller, { ...page, search })));
      },
    },
  });
}
