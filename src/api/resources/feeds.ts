/** `/namespaces/{ns}/feeds`: what fires the triggers of a namespace, and when. OpenWhisk has no such resource. */

import type { FastifyInstance } from 'fastify';
import type { Feed } from '../../answers/index.ts';
import type { Functions } from '../../functions/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';
import { plainOf, sendPage } from './plain-entity.ts';

const collection = 'feeds';

/** @param scope with authentication, below `/ward/v1` */
export function addFeeds(
  scope: FastifyInstance,
  { feeds, limits }: Pick<Functions, 'feeds' | 'limits'>,
): void {
  const root = `/namespaces/:ns/${collection}`;
  addResource(scope, [root, `${root}/`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        return sendPage(request, reply, collection, limits, {
          list: (page): Promise<readonly Feed[]> => feeds.list.list(namespace, page),
          count: () => feeds.list.count(namespace),
        });
      },
    },
  });
  addResource(scope, [`${root}/:name`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const identity = identityOf(request);
        const feed: Feed = await feeds.list.get(plainOf(request, identity), identity.scope);
        return sendJson(reply, 200, JSON.stringify(feed));
      },
    },
  });
}
