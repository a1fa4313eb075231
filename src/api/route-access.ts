/**
 * Which keys may use a route. Every route declares it when it registers, in its `config`. A route that does not, or that
 * declares it where the key would not be checked, keeps the server from starting.
 */
import type { FastifyInstance } from 'fastify';
import type { KeyRight } from '../functions/index.ts';

export type RouteAccess =
  | 'anyone'
  /** Requests that pass a check of the route itself: of a token, or of a rule that the action's owner has set. */
  | 'own-check'
  /** Any key of a namespace, with any scope. */
  | 'any-key'
  /** A key of a namespace with this right. */
  | KeyRight;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
}

/** Goes before all routes. */
export function refuseUndeclaredRoutes(app: FastifyInstance): void {
  app.addHook('onRoute', function (this: FastifyInstance, { method, url, config }) {
    const access = config?.access;
    const route = `${[method].flat().join(', ')} ${url}`;
    if (access === undefined) throw new Error(`the route ${route} does not say who may use it`);
    if (access === 'anyone') return;
    const wantsKey = access !== 'own-check';
    if (wantsKey === asksForKey(this)) return;
    const fact = wantsKey ? 'nothing asks for a key there' : 'a key is asked for there';
    throw new Error(`the route ${route} is for '${access}', but ${fact}`);
  });
}

/** Whether requests below `scope` are authenticated with a namespace's key. */
function asksForKey(scope: FastifyInstance): boolean {
  return scope.hasRequestDecorator('identity');
}
