/** `/ward/v1/operator/calls`: how the calls of all namespaces go now. */

import type { FastifyInstance } from 'fastify';
import type { CallFigures } from '../../answers/index.ts';
import { type CallWindow, callWindows, type Functions, isCallWindow } from '../../functions/index.ts';
import { sendUncached } from '../errors.ts';
import { malformedQuery, queryPage, queryText } from '../query.ts';
import { addResource } from '../resource.ts';

const usualWindow = '1h';

/** @param scope for operators */
export function addOperatorCalls(
  scope: FastifyInstance,
  { callFigures, limits: { list } }: Pick<Functions, 'callFigures' | 'limits'>,
): void {
  addResource(scope, ['/calls'], {
    GET: {
      access: 'operator',
      handler: async ({ query }, reply) => {
        const page = queryPage(query, 'namespaces', list);
        const namespace = queryText(query, 'namespace') || undefined;
        const asked = { ...page, namespace, window: windowOf(query), now: Date.now() };
        const figures: CallFigures = await callFigures(asked);
        return sendUncached(reply, figures);
      },
    },
  });
}

/** @throws Fault QUERY_INVALID */
function windowOf(query: unknown): CallWindow {
  const text = queryText(query, 'window') ?? usualWindow;
  if (isCallWindow(text)) return text;
  throw malformedQuery('window', `it must be one of ${Object.keys(callWindows).join(', ')}`);
}
