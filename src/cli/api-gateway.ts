/**
 * A client of the API gateway: three web actions of `/whisk.system/apimgmt`, called with the user's key. Their
 * answers are data from outside.
 */
import { isJsonObject, type JsonObject } from '../lib/index.ts';
import type { ApiClient } from './client.ts';
import { objectOf, textOf } from './entity-fields.ts';
import { cliFault } from './faults.ts';
import type { Settings } from './settings.ts';

type GatewayAction = 'createApi' | 'getApi' | 'deleteApi';

interface GatewayRequest {
  readonly action: GatewayAction;
  /** Identifies the API, or a part of it. */
  readonly query: Readonly<Record<string, string | number | undefined>>;
  readonly apidoc?: JsonObject;
}

/** One path and verb of an API. */
export interface Route {
  readonly verb: string;
  /** Below the base path. */
  readonly path: string;
  readonly basePath: string;
  readonly apiName: string;
  readonly url: string;
  /** `/ns/[pack/]name`; empty when the document does not name it. */
  readonly action: string;
  /** The URL that the gateway calls. */
  readonly backendUrl: string;
}

const verbs = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;
export const responseTypes = ['json', 'http', 'html', 'text', 'svg'] as const;

const methods = { createApi: 'POST', getApi: 'GET', deleteApi: 'DELETE' } as const;

/** @throws Faults as `ApiClient.send` does */
export async function askGateway(
  client: ApiClient,
  settings: Settings,
  request: GatewayRequest,
): Promise<JsonObject> {
  const { action, apidoc } = request;
  const { body } = await client.send({
    method: methods[action],
    path: ['web', 'whisk.system', 'apimgmt', `${action}.http`],
    query: {
      // Required by the gateway of IBM's cloud; clients still send it.
      accesstoken: 'DUMMY TOKEN',
      spaceguid: settings.auth?.value.split(':')[0],
      ...request.query,
    },
    ...(apidoc === undefined ? {} : { body: { apidoc } }),
  });
  return objectOf(body);
}

/** The APIs in an answer, each as `{gwApiUrl, apidoc, …}`. */
export function apisOf(answer: JsonObject): JsonObject[] {
  const list = answer['apis'];
  return Array.isArray(list) ? list.filter(isJsonObject).map((item) => objectOf(item['value'])) : [];
}

/** Every path and verb of one API, in the document's order. */
export function routesOf(api: JsonObject): Route[] {
  const document = objectOf(api['apidoc']);
  const baseUrl = textOf(api['gwApiUrl']).replace(/\/$/, '');
  const shared = {
    basePath: textOf(document['basePath']),
    apiName: textOf(objectOf(document['info'])['title']),
  };
  return Object.entries(objectOf(document['paths'])).flatMap(([path, operations]) =>
    Object.entries(objectOf(operations))
      .filter(([verb]) => verbs.some((known) => known === verb.toUpperCase()))
      .map(([verb, operation]) => ({
        ...shared,
        verb: verb.toUpperCase(),
        path,
        url: `${baseUrl}${path}`,
        ...backendOf(objectOf(objectOf(operation)['x-openwhisk'])),
      })),
  );
}

/** @throws Fault USAGE */
export function parseVerb(text: string): string {
  const verb = verbs.find((known) => known === text.toUpperCase());
  if (verb !== undefined) return verb;
  throw cliFault('USAGE', `'${text}' is not a verb of an API`, { hint: `verbs: ${verbs.join(', ')}` });
}

/** @throws Fault USAGE */
export function parseApiPath(text: string): string {
  if (text.startsWith('/')) return text;
  throw cliFault('USAGE', `'${text}' is not a path of an API`, {
    hint: 'write a path with a leading slash: /books/{id}',
  });
}

/** `/books/{id}` → `['id']`. */
export function pathParameters(path: string): string[] {
  const names = path.split('/').flatMap((segment) => /^\{([^{}]+)\}$/.exec(segment)?.[1] ?? []);
  return [...new Set(names)];
}

function backendOf(target: JsonObject): Pick<Route, 'action' | 'backendUrl'> {
  const { namespace, package: packageName, action, url } = target;
  const parts = [namespace, packageName, action]
    .map(textOf)
    .filter((part) => part !== '' && part !== 'default');
  return { action: action === undefined ? '' : `/${parts.join('/')}`, backendUrl: textOf(url) };
}
