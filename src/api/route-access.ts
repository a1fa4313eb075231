/**
 * Tells which keys may use a route. Every route declares this in its `config` when it registers. A route without a declaration,
 * or with one in a scope that does not check keys, keeps the server from starting.
 */
import type { FastifyInstance } from 'fastify';
import type { KeyRight } from '../functions/index.ts';

export type RouteAccess =
  | 'anyone'
  /** Requests that pass the route's own check: of a token, or of a rule of the action's owner. */
  | 'own-check'
  /** Any key of a namespace, with any scope. */
  | 'any-key'
  /** An operator's session. */
  | 'operator'
  /** A key of a namespace with this right. */
  | KeyRight;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
    /** A media type that it answers with beside JSON, for those who ask for it first. */
    offers?: string;
    /** Answers 405 to methods that the path does not have. */
    isRefused?: true;
  }
}

/** Call it before adding routes. */
export function refuseUndeclaredRoutes(app: FastifyInstance): void {
  app.addHook('onRoute', function (this: FastifyInstance, { method, url, config }) {
    const access = config?.access;
    const route = `${[method].flat().join(', ')} ${url}`;
    if (access === undefined) throw new Error(`the route ${route} does not say who may use it`);
    if (access === 'anyone') return;
    if ((access === 'operator') !== this.hasRequestDecorator('operator'))
      throw new Error(`the route ${route} is for '${access}', in a scope for others`);
    if (access === 'operator') return;
    const wantsKey = access !== 'own-check';
    if (wantsKey === asksForKey(this)) return;
    const fact = wantsKey ? 'nothing asks for a key there' : 'a key is asked for there';
    throw new Error(`the route ${route} is for '${access}', but ${fact}`);
  });
}

/** Tells whether `scope` authenticates requests with a namespace's key. */
function asksForKey(scope: FastifyInstance): boolean {
  return scope.hasRequestDecorator('identity');
}
