/** `/domains`: names that the web actions or an API of a namespace are served at. OpenWhisk has no such resource. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { DomainService } from '../../functions/index.ts';
import { malformed } from '../../functions/index.ts';
import { isJsonObject } from '../../lib/index.ts';
import { identityOf, pathPart } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';

/** @param scope with authentication, below `/ward/v1` */
export function addDomainRoutes(scope: FastifyInstance, domains: DomainService): void {
  const own = (request: FastifyRequest) =>
    [identityOf(request).namespace, pathPart(request, 'name')] as const;
  addResource(scope, ['/domains', '/domains/'], {
    GET: {
      access: 'read',
      handler: async (request, reply) =>
        sendJson(reply, 200, JSON.stringify(await domains.list(identityOf(request).namespace))),
    },
  });
  addResource(scope, ['/domains/:name'], {
    GET: {
      access: 'read',
      handler: async (request, reply) =>
        sendJson(reply, 200, JSON.stringify(await domains.get(...own(request)))),
    },
    PUT: {
      access: 'deploy',
      handler: async (request, reply) => {
        const { body } = request;
        if (!isJsonObject(body)) throw malformed('the body must be an object');
        return sendJson(reply, 200, JSON.stringify(await domains.put(...own(request), body)));
      },
    },
    DELETE: {
      access: 'deploy',
      handler: async (request, reply) => {
        await domains.delete(...own(request));
        return reply.code(204).send();
      },
    },
  });
  addResource(scope, ['/domains/:name/verify'], {
    POST: {
      access: 'deploy',
      handler: async (request, reply) =>
        sendJson(reply, 200, JSON.stringify(await domains.verify(...own(request)))),
    },
  });
}
