/** Checks the right that a route declares against the key's scope. */
import type { FastifyRequest } from 'fastify';
import { hasRight, type Identity, notAuthorized, systemNamespace } from '../functions/index.ts';
import { type Fault, isJsonObject } from '../lib/index.ts';

/** Returns undefined if the key may do this; otherwise the refusal. */
export function refusalByScope(request: FastifyRequest, identity: Identity): Fault | undefined {
  const { url, config } = request.routeOptions;
  // There is no such path, so every caller gets 404.
  if (url === undefined) return undefined;
  const refusal = () => notAuthorized(resourceOf(request, identity));
  switch (config.access) {
    case 'any-key':
      return undefined;
    case 'read':
    case 'deploy':
    case 'admin':
      return hasRight(identity.scope, config.access) ? undefined : refusal();
    case 'invoke':
      if (hasRight(identity.scope, 'invoke')) return undefined;
      // Some of Ward's own actions deploy (feeds, APIs), and check the key's right themselves.
      if (part(request, 'ns') === systemNamespace && hasRight(identity.scope, 'deploy')) return undefined;
      return refusal();
    default:
      return refusal();
  }
}

/** Names the resource as OpenWhisk's refusals do: `ns/[pkg/]name`, or only the namespace. */
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
