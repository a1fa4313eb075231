/** `/namespaces/{ns}/usage`: how much of its quotas a namespace uses. OpenWhisk has no such route. */
import type { FastifyInstance } from 'fastify';
import type { Functions } from '../../functions/index.ts';
import { identityOf, namespaceOf } from '../authentication.ts';
import { sendJson } from '../errors.ts';
import { sendQuotas } from '../rate-limit.ts';
import { addResource } from '../resource.ts';

/** @param scope with authentication, below `/ward/v1` */
export function addUsage(scope: FastifyInstance, quotas: Functions['quotas']): void {
  addResource(scope, ['/namespaces/:ns/usage', '/namespaces/:ns/usage/'], {
    GET: {
      access: 'read',
      handler: async (request, reply) => {
        const { namespace } = namespaceOf(request, identityOf(request));
        const usage = await quotas.usage(namespace);
        sendQuotas(reply, usage);
        return sendJson(reply, 200, JSON.stringify(usage));
      },
    },
  });
}

/** Makes each write of the routes that are added later tell what is left for code and entities. */
export function addQuotaHeaders(scope: FastifyInstance, quotas: Functions['quotas']): void {
  scope.addHook('onRoute', (route) => {
    if (!['PUT', 'DELETE'].includes(String(route.method))) return;
    route.onSend = async (request, reply) => {
      // Only for authenticated requests, and while the namespace still exists.
      const code = request.identity && (await codeOf(quotas, request.identity.namespace));
      if (code !== undefined) sendQuotas(reply, { code });
    };
  });
}

async function codeOf(quotas: Functions['quotas'], namespace: string) {
  try {
    return (await quotas.usage(namespace)).code;
  } catch {
    return undefined;
  }
}
