/**
 * `/apis/{namespace}{base path}{path}`: APIs that namespaces have made of their web actions. The gateway matches a request to
 * an operation and calls its action in this process, with the same checks and counts as at the action's own URL, and without a
 * second request.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  type ApiBackend,
  type ApiRoute,
  type ApiService,
  apiVerbs,
  type NamespaceName,
  notFound,
  parseNamespaceName,
} from '../../functions/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { errorAnswer, type WebAnswer, withHeaders } from '../web/answer.ts';
import { decodeSegment, orNotFound, restOf, splitUrl } from '../web/target.ts';
import type { Web } from '../web/web.ts';
import type { WebHead } from '../web/web-actions.ts';
import { addWebScope, type Located } from '../web/web-scope.ts';

interface GatewayOptions {
  readonly web: Web;
  readonly apis: Pick<ApiService, 'route'>;
}

const root = '/apis/';

/** Do not add it below a hook that asks for credentials or sets CORS headers. */
export function addGateway(app: FastifyInstance, { web, apis }: GatewayOptions): void {
  addWebScope(app, { url: `${root}*` }, web, async (request) => {
    const { segments, query } = splitUrl(request.raw.url ?? '');
    const [, first = '', ...path] = segments;
    const namespace = orNotFound(() => parseNamespaceName(decodeSegment(first)));
    return locateOperation(request, apis, { namespace, path, query });
  });
}

interface OperationPlace {
  readonly namespace: NamespaceName;
  /** The base path and the rest, percent-encoded. */
  readonly path: readonly string[];
  readonly query: string;
  /** The base path of the only API that counts. Absent: all of the namespace count. */
  readonly only?: string;
}

/** @throws Fault NOT_FOUND */
export async function locateOperation(
  request: FastifyRequest,
  apis: Pick<ApiService, 'route'>,
  { namespace, path, query, only }: OperationPlace,
): Promise<Located> {
  const verb = apiVerbs.find((each) => each === request.method.toLowerCase());
  if (verb === undefined) throw notFound();
  const route = await apis.route(namespace, pathOf(path), verb, only);
  return locate(request, route, path, query);
}

function locate(request: FastifyRequest, route: ApiRoute, path: readonly string[], query: string): Located {
  if (route.kind === 'none') throw notFound();
  const finish = corsOf(route.cors, request.headers);
  if (request.method === 'OPTIONS' && route.cors === true)
    return { answer: finish(preflight(request.headers)) };
  if (route.kind === 'verbs') return { answer: finish(notAllowed(route.verbs, request.id)) };
  const { backend } = route.operation;
  if (backend === undefined) return { answer: finish(errorAnswer(404, notFound().message, request.id)) };
  return { head: headOf(request, backend, route.parameters, path, query), finish };
}

function headOf(
  { method, headers, id }: FastifyRequest,
  { action, extension, passesPath, verb, secret }: ApiBackend,
  pathParameters: JsonObject,
  path: readonly string[],
  query: string,
): WebHead {
  return {
    action,
    extension,
    method: verb?.toUpperCase() ?? method,
    headers: secret === undefined ? headers : { ...headers, 'x-require-whisk-auth': secret },
    path: passesPath ? restOf(path) : '',
    query,
    pathParameters,
    transactionId: id,
  };
}

/** Ignores a slash at the end. */
function pathOf(segments: readonly string[]): readonly string[] {
  const decoded = segments.map(decodeSegment);
  return decoded.at(-1) === '' ? decoded.slice(0, -1) : decoded;
}

function notAllowed(verbs: readonly string[], transactionId: string): WebAnswer {
  const allowed = verbs.map((verb) => verb.toUpperCase()).join(', ');
  const text = `HTTP method not allowed, supported methods: ${allowed}`;
  return withHeaders(errorAnswer(405, text, transactionId), { allow: allowed });
}

const corsMethods = 'GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS';

/**
 * CORS as in OpenWhisk's gateway: an API that enables it is open to every origin, and its actions can't close it. An
 * API that disables it removes the CORS headers of its actions. Unlike in OpenWhisk, the action decides whether a browser may send
 * cookies.
 * @param enabled undefined to keep the action's headers
 */
function corsOf(
  enabled: boolean | undefined,
  request: IncomingHttpHeaders,
): (answer: WebAnswer) => WebAnswer {
  if (enabled === undefined) return (answer) => answer;
  return (answer) => {
    if (!enabled) {
      const others = Object.entries(answer.headers).filter(([name]) => !name.startsWith('access-control-'));
      return { ...answer, headers: Object.fromEntries(others) };
    }
    const headers = {
      'access-control-allow-origin': request.origin ?? '*',
      'access-control-allow-methods': corsMethods,
    };
    return { ...answer, headers: { ...answer.headers, ...headers } };
  };
}

function preflight(request: IncomingHttpHeaders): WebAnswer {
  const wanted = request['access-control-request-headers'];
  const headers = wanted === undefined ? {} : { 'access-control-allow-headers': wanted };
  return { status: 200, headers, body: undefined };
}
