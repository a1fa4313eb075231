/**
 * Tells requests for a domain of a namespace from all others, by their `Host`. The router asks for each request, and leads one
 * for a domain only to routes with `ofDomains`: such an origin has none of Ward's other routes.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { DomainService, ServedDomain } from '../../functions/index.ts';
import { sendError } from '../errors.ts';

const found = new WeakMap<IncomingMessage, ServedDomain>();

/** The domain that a request is for. Undefined for Ward's own names and for unknown ones. */
export function domainOf(request: IncomingMessage): ServedDomain | undefined {
  return found.get(request);
}

const name = 'domain';
const isOne = 'yes';

/** A constraint of routes that serve only requests for a domain. */
export const ofDomains = { [name]: isOne };

/**
 * Call it before adding routes, and hooks that do more than log.
 * @param isExcluded for requests whose `Host` does not count
 */
export function confineDomains(
  app: FastifyInstance,
  domains: Pick<DomainService, 'served'>,
  isExcluded: (request: IncomingMessage) => boolean,
): void {
  app.addConstraintStrategy({
    name,
    // A request for a domain matches no route that does not ask for one.
    mustMatchWhenDerived: true,
    storage() {
      const handlers = new Map();
      return { get: (key) => handlers.get(key) ?? null, set: (key, handler) => handlers.set(key, handler) };
    },
    deriveConstraint(request: IncomingMessage) {
      const { host } = request.headers;
      const domain = host === undefined ? undefined : domains.served(host);
      if (domain === undefined || isExcluded(request)) return undefined;
      found.set(request, domain);
      return isOne;
    },
  });
  // Otherwise, a request without a route would get as far as the hooks of the path that it names.
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404 || domainOf(request.raw) === undefined) return done();
    void sendError(request, reply, 404, 'The requested resource does not exist.');
  });
}
