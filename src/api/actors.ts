/** Names the client of a request that changes or reads something to the audit log. Calls of actions are left alone. */
import type { FastifyInstance, FastifyRequest, preHandlerHookHandler } from 'fastify';
import { actorOf, systemNamespace } from '../functions/index.ts';
import { actAs } from '../lib/index.ts';
import { identityOf, pathPart } from './authentication.ts';
import { sandboxNamespaceOf } from './sandbox-entrance.ts';

const noted: ReadonlySet<string> = new Set(['read', 'deploy', 'invoke', 'admin']);

/** @param scope with authentication; call it before adding routes */
export function nameActors(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    const access = route.config?.access;
    if (access === undefined || !noted.has(access)) return;
    // Some of Ward's own actions deploy: feeds, APIs.
    const isNoted = (request: FastifyRequest) =>
      access !== 'invoke' || pathPart(request, 'ns') === systemNamespace;
    const act: preHandlerHookHandler = (request, _reply, done) => {
      const { identity } = request;
      if (identity === undefined || !isNoted(request)) return done();
      const from = clientOf(request);
      actAs({ who: actorOf(identity), from, request: request.id }, done);
    };
    route.preHandler = [...[route.preHandler ?? []].flat(), act];
  });
}

/** The address of the client, behind trusted proxies; or `sandbox`. */
export function clientOf(request: FastifyRequest): string {
  return sandboxNamespaceOf(request) === undefined ? request.ip : 'sandbox';
}

/** Does what the request's key asked for, on a route whose calls are usually left alone. */
export function asKey<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const who = actorOf(identityOf(request));
  return actAs({ who, from: clientOf(request), request: request.id }, work);
}

/** Does what an operator asked for in the console; the audit log names the address, and the person if it is known. */
export function asOperator<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const name = request.operator?.login?.name;
  const who = name === undefined ? 'operator by console' : `operator ${name}`;
  return actAs({ who, from: clientOf(request), request: request.id }, work);
}
