/** `/namespaces/{ns}/logs`: lines of logs that have a text. OpenWhisk has no such route. */

import type { FastifyInstance } from 'fastify';
import type { FoundLines } from '../../answers/index.ts';
import type { Functions } from '../../functions/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { queryPage, queryText } from '../query.ts';
import { addResource } from '../resource.ts';
import { filterOf } from './activations.ts';

const longestText = 1000;

/** @param scope with authentication, below `/ward/v1` */
export function addLogSearch(scope: FastifyInstance, { searchLogs, limits }: Functions): void {
  addResource(scope, ['/namespaces/:ns/logs', '/namespaces/:ns/logs/'], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const { limit } = queryPage(request.query, 'logs', limits.list);
        const text = queryText(request.query, 'text') ?? '';
        if (text.length > longestText)
          throw apiFault('QUERY_INVALID', `The text is longer than ${longestText} characters.`);
        const found: FoundLines = await searchLogs({ namespace, ...filterOf(request.query), text, limit });
        return sendJson(reply, 200, JSON.stringify(found));
      },
    },
  });
}
