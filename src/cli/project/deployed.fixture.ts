/**
 * A stub that keeps entities like the API, as far as the deployment of a project sees it: GET answers what was PUT,
 * annotations of actions are merged, kinds are resolved, and feeds remember their configuration.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { valuesOf } from './difference.ts';

interface DeployedStub extends AsyncDisposable {
  readonly url: string;
  /** `actions/shop/list` → the answer of GET. */
  readonly entities: Map<string, JsonObject>;
  /** `METHOD path` of every request that changes something; for feeds `CREATE trigger`. */
  readonly writes: string[];
  /** Answers a request with an error instead: `PUT actions/shop/list` → status. */
  readonly failing: Map<string, number>;
  /** Routes of the gateway: `GET /shop/books` → the action's name. */
  readonly routes: Map<string, string>;
}

const feeds = ['whisk.system/actions/alarms/alarm'];

export async function startDeployedStub(): Promise<DeployedStub> {
  const entities = new Map<string, JsonObject>();
  const configs = new Map<string, JsonObject>();
  const writes: string[] = [];
  const failing = new Map<string, number>();
  const routes = new Map<string, string>();

  const answer = (
    method: string,
    path: string,
    query: URLSearchParams,
    body: JsonObject,
  ): [number, JsonValue] => {
    if (path === '') return [200, { runtimes: { nodejs: [{ kind: 'nodejs:24', default: true }] } }];
    if (path === 'api/v1/namespaces') return [200, ['guest']];
    const gateway = /^api\/v1\/web\/whisk\.system\/apimgmt\/(\w+)\.http$/.exec(path)?.[1];
    if (gateway !== undefined) return askGateway(gateway, query, body);
    const place = decodeURIComponent(path.replace('api/v1/namespaces/', ''));
    if (feeds.includes(place)) return [200, tellFeed(body)];
    const key = place.replace(/^(?:guest|_)\//, '');
    const status = failing.get(`${method} ${key}`);
    if (status !== undefined) return [status, { error: 'it was told to fail', code: 'x' }];
    if (method === 'GET' && !key.includes('/')) return [200, list(key)];
    const present = entities.get(key);
    if (method === 'GET')
      return present === undefined ? [404, { error: 'not there' }] : [200, withInherited(key, present)];
    writes.push(`${method} ${key}`);
    if (method === 'PUT') {
      if (present !== undefined && query.get('overwrite') !== 'true')
        return [409, { error: 'already exists' }];
      entities.set(key, stored(key, present, body));
      return [200, entities.get(key) ?? null];
    }
    if (present === undefined) return [404, { error: 'not there' }];
    const isFull = [...entities.keys()].some((each) =>
      each.startsWith(`${key.replace('packages/', 'actions/')}/`),
    );
    if (key.startsWith('packages/') && isFull) return [409, { error: 'Package not empty' }];
    entities.delete(key);
    return [200, present];
  };

  const list = (collection: string): JsonValue =>
    [...entities].filter(([key]) => key.startsWith(`${collection}/`)).map(([, entity]) => entity);

  /** An action shows its package's parameters beneath its own. */
  const withInherited = (key: string, entity: JsonObject): JsonObject => {
    const [collection, packageName, name] = key.split('/');
    const home = entities.get(`packages/${packageName}`);
    if (collection !== 'actions' || name === undefined || home === undefined) return entity;
    const merged = { ...valuesOf(home['parameters']), ...valuesOf(entity['parameters']) };
    return { ...entity, parameters: Object.entries(merged).map(([each, value]) => ({ key: each, value })) };
  };

  const tellFeed = (body: JsonObject): JsonValue => {
    const { lifecycleEvent, triggerName, authKey: _, ...config } = body;
    const trigger = String(triggerName);
    if (lifecycleEvent !== 'READ') writes.push(`${lifecycleEvent} ${trigger}`);
    if (lifecycleEvent === 'CREATE' || lifecycleEvent === 'UPDATE') configs.set(trigger, config);
    if (lifecycleEvent === 'DELETE') configs.delete(trigger);
    const failed = failing.get(`${lifecycleEvent} ${trigger}`) !== undefined;
    const result = failed ? { error: 'no such cron' } : { config: configs.get(trigger) ?? {} };
    return { activationId: '0'.repeat(32), response: { success: !failed, status: '', result } };
  };

  const askGateway = (action: string, query: URLSearchParams, body: JsonObject): [number, JsonValue] => {
    const doc = body['apidoc'];
    if (action === 'createApi' && isJsonObject(doc)) {
      const target = isJsonObject(doc['action']) ? doc['action'] : {};
      const route = `${doc['gatewayMethod']} ${doc['gatewayBasePath']}${doc['gatewayPath']}`;
      writes.push(`createApi ${route}`);
      routes.set(route, String(target['name']));
      return [200, {}];
    }
    const base = query.get('basepath') ?? '';
    if (action === 'deleteApi') {
      writes.push(`deleteApi ${query.get('operation')} ${base}${query.get('relpath')}`);
      routes.delete(`${query.get('operation')} ${base}${query.get('relpath')}`);
      return [204, null];
    }
    const paths: Record<string, Record<string, JsonObject>> = {};
    for (const [route, name] of routes) {
      const [verb = '', path = ''] = route.split(' ');
      if (!path.startsWith(`${base}/`)) continue;
      const [packageName = '', actionName = ''] = name.includes('/') ? name.split('/') : ['default', name];
      const relative = path.slice(base.length);
      paths[relative] ??= {};
      paths[relative][verb.toLowerCase()] = {
        'x-openwhisk': { namespace: 'guest', package: packageName, action: actionName },
      };
    }
    return [
      200,
      { apis: Object.keys(paths).length === 0 ? [] : [{ value: { apidoc: { basePath: base, paths } } }] },
    ];
  };

  const server = createServer(async (request, response) => {
    const { method = '', url = '/' } = request;
    const { pathname, searchParams } = new URL(url, 'http://x');
    const text = await textOf(request);
    const body: unknown = text === '' ? {} : JSON.parse(text);
    const [status, content] = answer(method, pathname.slice(1), searchParams, isJsonObject(body) ? body : {});
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(content === null ? '' : JSON.stringify(content));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    entities,
    writes,
    failing,
    routes,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What the API stores after a PUT, and shows. */
function stored(key: string, present: JsonObject | undefined, body: JsonObject): JsonObject {
  const [collection = '', ...path] = key.split('/');
  const { delAnnotations, exec, trigger, action, ...rest } = body;
  const isAction = collection === 'actions';
  const removed = Array.isArray(delAnnotations) ? delAnnotations : [];
  const before = isAction ? valuesOf(present?.['annotations']) : {};
  const annotations = { ...before, ...valuesOf(body['annotations']) };
  const written = isJsonObject(exec) ? String(exec['kind']) : '';
  const kind = written === 'nodejs:default' ? 'nodejs:24' : written;
  return {
    ...present,
    ...rest,
    namespace: ['guest', ...path.slice(0, -1)].join('/'),
    name: path.at(-1) ?? '',
    ...(isJsonObject(exec) ? { exec: { ...exec, kind } } : {}),
    ...(trigger === undefined ? {} : { trigger: reference(trigger) }),
    ...(action === undefined ? {} : { action: reference(action) }),
    annotations: [
      ...Object.entries(annotations)
        .filter(([name]) => !removed.includes(name))
        .map(([name, value]) => ({ key: name, value })),
      ...(isAction ? [{ key: 'exec', value: kind }] : []),
    ],
  };
}

function reference(name: JsonValue): JsonObject {
  const parts = String(name).split('/').slice(1);
  return { path: parts.slice(0, -1).join('/'), name: parts.at(-1) ?? '' };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
