/** `/namespaces/{ns}/feeds`: what fires the triggers of a namespace, and when. OpenWhisk has no such resource. */
import type { FastifyInstance } from 'fastify';
import { type Functions, rightsOf } from '../../functions/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { addResource } from '../resource.ts';
import { sendPage } from './plain-entity.ts';

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
        const identity = identityOf(request);
        const { namespace } = namespaceOf(request, identity);
        // Who knows the URL of a webhook can fire its trigger.
        const withUrls = rightsOf(identity.scope).includes('invoke');
        return sendPage(request, reply, collection, limits, {
          list: (page) => feeds.list.list(namespace, page, { withUrls }),
          count: () => feeds.list.count(namespace),
        });
      },
    },
  });
}
