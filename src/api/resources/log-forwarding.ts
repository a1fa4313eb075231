/**
 * `/runtime/namespaces/{ns}/logForwarding` of Adobe I/O Runtime: where the logs of a namespace go. They always stay with their
 * activations, too.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { LogForwardingService } from '../../functions/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { addResource } from '../resource.ts';

/** @param scope with authentication, below `/runtime` */
export function addLogForwarding(scope: FastifyInstance, service: LogForwardingService): void {
  const root = '/namespaces/:ns/logForwarding';
  addResource(scope, [root, `${root}/`], {
    GET: {
      access: 'read',
      handler: async (request, reply) =>
        sendJson(reply, 200, JSON.stringify(await service.get(ownNamespace(request)))),
    },
    PUT: {
      access: 'deploy',
      handler: async (request, reply) =>
        sendJson(reply, 200, JSON.stringify(await service.set(ownNamespace(request), request.body))),
    },
  });
  addResource(scope, [`${root}/errors`], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { destination, errors } = await service.errors(ownNamespace(request));
        // Adobe's command reads the second name, and its library documents the first.
        return sendJson(
          reply,
          200,
          JSON.stringify({ destination, configured_forwarder: destination, errors }),
        );
      },
    },
  });
}

/** @throws Fault NAME_INVALID, NOT_AUTHORIZED, NOT_FOUND */
function ownNamespace(request: FastifyRequest): string {
  return namespaceOf(request, identityOf(request)).namespace;
}
