/**
 * What a key's scope lets a request do, told from its method and its route. A route that nobody thought of needs
 * every right, so that a new one is closed to lesser keys until it is named here.
 */
import type { FastifyRequest } from 'fastify';
import { hasRight, type Identity, notAuthorized, type Right, systemNamespace } from '../functions/index.ts';
import { type Fault, isJsonObject } from '../lib/index.ts';

/** Undefined when the key may do this; else the refusal. */
export function refusalByScope(request: FastifyRequest, identity: Identity): Fault | undefined {
  const { scope } = identity;
  if (scope === 'full') return undefined;
  const { url } = request.routeOptions;
  // No such path: it is answered 404 whoever asks.
  if (url === undefined) return undefined;
  const needed = neededRights(request.method, url);
  if (needed.every((right) => hasRight(scope, right))) return undefined;
  // Some of Ward's own actions deploy (feeds, APIs), and see to it themselves that the key may.
  const isSystemAction = needed.includes('invoke') && part(request, 'ns') === systemNamespace;
  if (isSystemAction && hasRight(scope, 'deploy')) return undefined;
  return notAuthorized(resourceOf(request, identity));
}

/** @param url of the route, with the names of its parameters: `/api/v1/namespaces/:ns/actions/:name` */
export function neededRights(method: string, url: string): readonly Right[] {
  const [, collection = '', rest = ''] = /\/namespaces(?:\/:ns\/([^/]+)(.*))?/.exec(url) ?? [];
  switch (method) {
    case 'GET':
    case 'HEAD':
      return isOpenToAll(collection, rest) ? [] : ['read'];
    case 'PUT':
    case 'DELETE':
    case 'PATCH':
      return ['deploy'];
    default:
      return postRights.get(collection) ?? ['read', 'deploy', 'invoke'];
  }
}

const postRights: ReadonlyMap<string, readonly Right[]> = new Map([
  ['actions', ['invoke']],
  ['triggers', ['invoke']],
  ['rules', ['deploy']],
  ['dead-letters', ['invoke']],
]);

/** Tells which namespace a key is of, what it may use, and how a call goes whose id the caller knows. */
function isOpenToAll(collection: string, rest: string): boolean {
  if (collection === '' || collection === 'limits' || collection === 'requests') return true;
  return collection === 'activations' && /^\/:id(?:\/|\/logs|\/result|\/stream)?$/.test(rest);
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
