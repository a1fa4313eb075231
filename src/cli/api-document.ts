/** What `api create` sends: one route of an API, or the document of a whole API. */
import { extname } from 'node:path';
import { isJsonObject, type JsonObject, messageOf } from '../lib/index.ts';
import { parseApiPath, parseVerb, pathParameters } from './api-gateway.ts';
import { annotationOf, objectOf } from './entity-fields.ts';
import type { EntityName } from './entity-name.ts';
import { cliFault } from './faults.ts';
import { readBounded } from './read-source.ts';
import type { Settings } from './settings.ts';

interface RouteRequest {
  /** `/` by default; also the name of an existing API. */
  readonly basePath: string;
  readonly path: string;
  readonly verb: string;
  readonly action: EntityName;
  readonly apiName: string | undefined;
}

const maxDocumentBytes = 4 * 1024 * 1024;

/** @param action as the server has it. @throws Fault USAGE when it is not a web action */
export function routeDocument(route: RouteRequest, action: JsonObject, settings: Settings): JsonObject {
  const name = route.action;
  if (annotationOf(action, 'web-export') !== true)
    throw cliFault('USAGE', `${name.full} is not a web action`, {
      hint: `ward action update ${name.path} --web true`,
    });
  const [packageName, actionName] = name.path.includes('/') ? name.path.split('/') : ['default', name.path];
  const segments = [name.namespace, packageName ?? '', `${actionName}.http`].map(encodeURIComponent);
  const secureKey = annotationOf(action, 'require-whisk-auth');
  const isName = !route.basePath.startsWith('/');
  return {
    namespace: '_',
    gatewayBasePath: route.basePath,
    gatewayPath: route.path,
    gatewayMethod: route.verb,
    ...(isName ? {} : { id: `API:_:${route.basePath}` }),
    ...(route.apiName === undefined ? {} : { apiName: route.apiName }),
    action: {
      name: name.path,
      namespace: name.namespace,
      backendMethod: route.verb,
      backendUrl: `${settings.apihost.value}/api/v1/web/${segments.join('/')}`,
      authkey: settings.auth?.value ?? '',
      ...(secureKey === undefined || secureKey === false ? {} : { secureKey }),
    },
    pathParameters: pathParameters(route.path).map((parameter) => ({
      name: parameter,
      in: 'path',
      required: true,
      type: 'string',
      description: `part of the path: ${parameter}`,
    })),
  };
}

/** `[BASE_PATH] API_PATH API_VERB ACTION`, checked. @throws Fault USAGE */
export function parseRouteWords(words: readonly string[], responseType: string) {
  const [basePath = '/', path = '', verb = '', action = ''] = words.length === 4 ? words : ['/', ...words];
  if (pathParameters(basePath).length > 0)
    throw cliFault('USAGE', `the base path '${basePath}' can't have parameters`, {
      hint: 'put them into the path below it',
    });
  if (pathParameters(path).length > 0 && responseType !== 'http')
    throw cliFault('USAGE', 'path parameters need the response type http', {
      hint: 'add --response-type http',
    });
  return { basePath, path: parseApiPath(path), verb: parseVerb(verb), action };
}

/** Reads a whole API from a file, JSON or YAML. @throws Fault SOURCE_UNREADABLE */
export async function readApiDocument(file: string): Promise<JsonObject> {
  const text = (await readBounded(file, maxDocumentBytes)).toString('utf8');
  const document = objectOf(await parseDocument(text, file));
  if (!isJsonObject(document['paths']))
    throw cliFault('SOURCE_UNREADABLE', `${file} is not an API document: it has no paths`);
  return { namespace: '_', swagger: JSON.stringify(document) };
}

async function parseDocument(text: string, file: string) {
  if (!['.yaml', '.yml'].includes(extname(file).toLowerCase())) {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw cliFault('SOURCE_UNREADABLE', `${file} is not JSON: ${messageOf(cause)}`, { cause });
    }
  }
  const { parsePlainYaml } = await import('./plain-yaml.ts');
  return parsePlainYaml(text, (what) => cliFault('SOURCE_UNREADABLE', `${file}: ${what}`));
}
