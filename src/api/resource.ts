/** Registers a path with its methods. Other methods on it get 405, so that 404 means "no such path". */
import type { FastifyInstance, onRequestHookHandler, RouteHandlerMethod } from 'fastify';
import { sendError } from './errors.ts';
import type { RouteAccess } from './route-access.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

interface MethodHandler {
  readonly access: RouteAccess;
  readonly handler: RouteHandlerMethod;
  /** A media type that it answers with beside JSON, for those who ask for it first. */
  readonly offers?: string;
  /** Its answer is server-sent events. */
  readonly isStream?: true;
  /** Bytes. */
  readonly bodyLimit?: number;
  readonly onRequest?: onRequestHookHandler;
}

export type Resource = Readonly<Partial<Record<Method, MethodHandler>>>;

const known = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'];
const methods: readonly Method[] = ['GET', 'PUT', 'POST', 'DELETE'];

/** @param urls several spellings of the same resource */
export function addResource(scope: FastifyInstance, urls: readonly string[], resource: Resource): void {
  const allowed = methods.filter((method) => resource[method] !== undefined);
  const refused = known.filter((method) => !allowed.some((each) => each === method));
  const access = otherAccess(scope);
  for (const url of urls) {
    for (const method of allowed) {
      const entry = resource[method];
      if (entry === undefined) continue;
      const { access, offers, isStream, ...rest } = entry;
      const config = { access, ...(offers !== undefined && { offers }), ...(isStream && { isStream }) };
      scope.route({ method, url, config, ...rest });
    }
    scope.route({
      method: refused,
      url,
      config: { access, isRefused: true },
      // In a hook, so that Fastify does not read the body first.
      onRequest: (request, reply) => {
        reply.header('allow', allowed.join(', '));
        const text = `HTTP method not allowed, supported methods: ${allowed.join(', ')}`;
        void sendError(request, reply, 405, text);
      },
      handler: () => {},
    });
  }
}

/** For methods that a path does not have. */
function otherAccess(scope: FastifyInstance): RouteAccess {
  if (scope.hasRequestDecorator('operator')) return 'operator';
  return scope.hasRequestDecorator('identity') ? 'any-key' : 'anyone';
}
