/** Whether a key may use a route: the right that the route declares, checked against the key's scope. */
import type { FastifyRequest } from 'fastify';
import { hasRight, type Identity, notAuthorized, systemNamespace } from '../functions/index.ts';
import { type Fault, isJsonObject } from '../lib/index.ts';

/** Undefined when the key may do this; else the refusal. */
export function refusalByScope(request: FastifyRequest, identity: Identity): Fault | undefined {
  const { url, config } = request.routeOptions;
  // No such path: it is answered 404 whoever asks.
  if (url === undefined) return undefined;
  const refusal = () => notAuthorized(resourceOf(request, identity));
  switch (config.access) {
    case 'any-key':
      return undefined;
    case 'read':
    case 'deploy':
      return hasRight(identity.scope, config.access) ? undefined : refusal();
    case 'invoke':
      if (hasRight(identity.scope, 'invoke')) return undefined;
      // Some of Ward's own actions deploy (feeds, APIs), and see to it themselves that the key may.
      if (part(request, 'ns') === systemNamespace && hasRight(identity.scope, 'deploy')) return undefined;
      return refusal();
    default:
      return refusal();
  }
}

/** As OpenWhisk names it in a refusal: `ns/[pkg/]name`, or the namespace alone. */
function resourceOf(request: FastifyRequest, { namespace }: Identity): string {
  const owner = part(request, 'ns');
  const parts = [
    owner === '_' || owner === '' ? namespace : owner,
    part(request, 'name'),
    part(request, 'inner'),
  ];
  return parts.filter((each) => each !== '').join('/');
}

function part({ params }: FastifyRequest, name: string): string {
  const value = isJsonObject(params) ? params[name] : undefined;
  return typeof value === 'string' ? value : '';
}
