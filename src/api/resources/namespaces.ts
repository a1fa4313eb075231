/** `/namespaces`: the caller's namespace and its limits. */
import type { FastifyInstance } from 'fastify';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendError, sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';

export function addNamespaces(scope: FastifyInstance): void {
  addResource(scope, ['/namespaces', '/namespaces/'], {
    GET: {
      access: 'any-key',
      handler: async (request, reply) =>
        sendJson(reply, 200, JSON.stringify([identityOf(request).namespace])),
    },
  });
  addResource(scope, ['/namespaces/:ns/limits', '/namespaces/:ns/limits/'], {
    GET: {
      access: 'any-key',
      handler: async (request, reply) => {
        const identity = identityOf(request);
        namespaceOf(request, identity);
        return sendJson(reply, 200, JSON.stringify(identity.limits));
      },
    },
  });
  addResource(scope, ['/namespaces/:ns/limits/:name'], {
    GET: {
      access: 'any-key',
      handler: async (request, reply) => {
        namespaceOf(request, identityOf(request));
        return sendError(
          request,
          reply,
          400,
          'Inner entity level routes for limits are not yet implemented.',
        );
      },
    },
  });
}
