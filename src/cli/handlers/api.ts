/** `ward api create`, `get`, `list`, `delete`. */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { parseRouteWords, readApiDocument, routeDocument } from '../api-document.ts';
import { apisOf, askGateway, parseApiPath, parseVerb, type Route, routesOf } from '../api-gateway.ts';
import type { Context, Handler } from '../command-spec.ts';
import { parseEntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { printableLine } from '../printable.ts';
import type { Column } from '../table.ts';

export const create: Handler = async (input, context) => {
  const { io, settings } = context;
  const file = input.text('configFile');
  const words = input.rest(0);
  if ((file === undefined) === (words.length === 0))
    throw cliFault('USAGE', 'say what to create: a path, a verb and an action, or --config-file', {
      hint: 'ward api create /books GET list-books',
    });
  const wanted = file === undefined ? await routeOf(input, context) : await readApiDocument(file);
  const client = await context.client();
  const api = await askGateway(client, settings(), {
    action: 'createApi',
    query: { responsetype: input.text('responseType') ?? 'json' },
    apidoc: wanted,
  });
  const { gatewayPath, gatewayMethod } = wanted;
  const routes = routesOf(api).filter(
    (route) => file !== undefined || (route.path === gatewayPath && route.verb === gatewayMethod),
  );
  for (const { verb, basePath, path, action } of routes)
    io.ok(`created API ${joined(basePath, path)} ${verb}${action === '' ? '' : ` for action ${action}`}`);
  for (const warning of textsOf(api['warnings'])) io.note(printableLine(`warning: ${warning}`));
  if (io.format === 'json' || io.format === 'yaml') await io.value(api);
  else io.lines(routes.map(({ url }) => url));
  return 0;
};

export const get: Handler = async (input, context) => {
  const { io } = context;
  const name = input.required(0);
  const [api] = await fetchApis(context, { basepath: name });
  if (api === undefined)
    throw cliFault('NOT_FOUND', `the API ${name} does not exist`, { hint: 'ward api list shows all APIs' });
  const shown: JsonValue = (input.has('full') ? api : api['apidoc']) ?? null;
  if (input.text('format') === 'yaml' && io.format === 'table') await io.yaml(shown);
  else await io.value(shown);
  return 0;
};

export const list: Handler = async (input, context) => {
  const name = input.optional(0);
  const path = input.optional(1);
  const verb = input.optional(2);
  const query =
    name === undefined
      ? { limit: input.integer('limit', { max: 200 }) ?? 30, skip: input.integer('skip') ?? 0 }
      : {
          basepath: name,
          relpath: path === undefined ? undefined : parseApiPath(path),
          operation: verb === undefined ? undefined : parseVerb(verb),
        };
  const routes = (await fetchApis(context, query))
    .flatMap(routesOf)
    .filter((route) => path === undefined || route.path === path)
    .filter((route) => verb === undefined || route.verb === verb.toUpperCase());
  const items = input.has('nameSort') ? routes.toSorted(byName) : routes;
  await context.io.list({
    items,
    columns: input.has('full') ? columns.map((column) => ({ ...column, isWide: false })) : columns,
    name: ({ url }) => url,
  });
  return 0;
};

export const remove: Handler = async (input, context) => {
  const name = input.required(0);
  const path = input.optional(1);
  const verb = input.optional(2);
  const client = await context.client();
  await askGateway(client, context.settings(), {
    action: 'deleteApi',
    query: {
      basepath: name,
      relpath: path === undefined ? undefined : parseApiPath(path),
      operation: verb === undefined ? undefined : parseVerb(verb),
    },
  });
  const part = [path, verb?.toUpperCase()].filter((each) => each !== undefined).join(' ');
  context.io.ok(part === '' ? `deleted API ${name}` : `deleted ${part} from API ${name}`);
  return 0;
};

const columns: readonly Column<Route>[] = [
  { title: 'action', cell: ({ action }) => action },
  { title: 'verb', cell: ({ verb }) => verb },
  { title: 'api', cell: ({ apiName }) => apiName },
  { title: 'url', cell: ({ url }) => url },
  { title: 'base path', cell: ({ basePath }) => basePath, isWide: true },
  { title: 'path', cell: ({ path }) => path, isWide: true },
];

async function routeOf(input: Input, context: Context): Promise<JsonObject> {
  const settings = context.settings();
  const words = input.rest(0);
  if (words.length < 3)
    throw cliFault('USAGE', 'an API needs a path, a verb and an action', {
      hint: 'ward api create [BASE_PATH] PATH VERB ACTION',
    });
  const route = parseRouteWords(words, input.text('responseType') ?? 'json');
  const action = parseEntityName(route.action, settings.namespace.value);
  const client = await context.client();
  const deployed = await client.sendForObject({
    method: 'GET',
    path: action.segments('actions'),
    query: { code: false },
  });
  return routeDocument({ ...route, action, apiName: input.text('apiname') }, deployed, settings);
}

async function fetchApis(
  context: Context,
  query: Readonly<Record<string, string | number | undefined>>,
): Promise<JsonObject[]> {
  const client = await context.client();
  return apisOf(await askGateway(client, context.settings(), { action: 'getApi', query }));
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function byName(a: Route, b: Route): number {
  return a.basePath.localeCompare(b.basePath) || a.path.localeCompare(b.path) || a.verb.localeCompare(b.verb);
}

function joined(basePath: string, path: string): string {
  return `${basePath.replace(/\/$/, '')}${path}`;
}
