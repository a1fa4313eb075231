/** `/ward/v1/namespaces/{ns}/calls`: lists calls that have not ended, and cancels them. OpenWhisk has no such resource. */

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { CallsPage } from '../../answers/index.ts';
import type { Functions } from '../../functions/index.ts';
import { asKey } from '../actors.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { bodyOf } from '../body.ts';
import { sendJson, sendUncached } from '../errors.ts';
import { queryPage } from '../query.ts';
import { addResource } from '../resource.ts';
import { filterOf } from './activations.ts';

const mostAtOnce = 1000;
const bodyBytes = 64 * 1024;
const cancelBody = z.strictObject({ activationIds: z.array(z.string()).min(1).max(mostAtOnce) });

export function addCallsUnderWay(scope: FastifyInstance, { underWay, limits }: Functions): void {
  addResource(scope, ['/namespaces/:ns/calls'], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const { failed: _, ...filter } = filterOf(request.query);
        const { limit } = queryPage(request.query, 'calls', limits.list);
        const page: CallsPage = await underWay.list({ namespace, ...filter, limit });
        return sendUncached(reply, page);
      },
    },
  });
  addResource(scope, ['/namespaces/:ns/calls/cancel'], {
    POST: {
      access: 'invoke',
      bodyLimit: bodyBytes,
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const wanted = `\`activationIds\` is expected, with 1 to ${mostAtOnce} ids of activations`;
        const { activationIds } = bodyOf(request, cancelBody, wanted);
        const outcome = await asKey(request, () => underWay.cancel(namespace, activationIds));
        return sendJson(reply, 200, JSON.stringify(outcome));
      },
    },
  });
}
