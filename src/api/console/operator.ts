/**
 * `/ward/v1/operator/`: what concerns all namespaces. Only an operator's session gets in (`ward console login`); no key
 * of a namespace does, with any scope.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Functions } from '../../functions/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { sendError, sendJson } from '../errors.ts';
import { apiFault } from '../faults.ts';
import { queryPage } from '../query.ts';
import { addResource } from '../resource.ts';
import { ownTokens } from '../session-cookies.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** True when an operator asks. Only scopes for operators have it. */
    isOperator: boolean;
  }
}

/** What the server tells its operators. */
export interface OperatorSource {
  /** Nodes, disk, advisories. */
  overview(): Promise<JsonObject>;
  /** A page of all namespaces, by name. */
  namespaces(page: { readonly skip: number; readonly limit: number }): Promise<JsonObject>;
}

/** Adds the routes, and lets in operators only. */
export function addOperator(app: FastifyInstance, functions: Functions, source: OperatorSource): void {
  const { sessions, limits } = functions;
  app.register(
    async (scope) => {
      letInOperators(scope, sessions);
      scope.setNotFoundHandler((request, reply) =>
        sendError(request, reply, 404, 'The requested resource does not exist.'),
      );
      addResource(scope, ['/overview'], {
        GET: { access: 'operator', handler: async (_, reply) => send(reply, await source.overview()) },
      });
      addResource(scope, ['/namespaces'], {
        GET: {
          access: 'operator',
          handler: async (request, reply) =>
            send(reply, await source.namespaces(queryPage(request.query, 'namespaces', limits.list))),
        },
      });
    },
    { prefix: '/ward/v1/operator' },
  );
}

function letInOperators(scope: FastifyInstance, sessions: Functions['sessions']): void {
  scope.decorateRequest('isOperator', false);
  scope.addHook('onRequest', async (request) => {
    const { operator } = ownTokens(request);
    if (operator === undefined || !(await sessions.isOperator(operator))) throw operatorRequired();
    request.isOperator = true;
  });
}

function operatorRequired() {
  return apiFault('OPERATOR_REQUIRED', 'This is for operators of this Ward.', {
    hint: 'Run `ward console login` on its machine, and open the URL that it prints.',
  });
}

function send(reply: FastifyReply, answer: JsonObject): FastifyReply {
  return sendJson(reply.header('cache-control', 'no-store'), 200, JSON.stringify(answer));
}
