/** Web actions on the real domain: a server of its own on top of `startApi`. */
import { type FastifyInstance, fastify } from 'fastify';
import { silentLog } from '../../lib/index.ts';
import { basic, hello, startApi, type TestApi, type TestApiOptions } from '../api.fixture.ts';
import { transactionIdOf } from '../transaction.ts';
import { closedGuard, type TokenGuard } from './bearer.ts';
import { addWeb, createWeb, type Web, type WebLimits } from './web.ts';

interface WebResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly bytes: Buffer;
}

interface WebRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string | Buffer;
  /** `uuid:secret`, sent as Basic credentials. */
  readonly key?: string;
  readonly address?: string;
}

export interface TestWeb extends AsyncDisposable {
  readonly api: TestApi;
  readonly app: FastifyInstance;
  /** Deploys an action of guest as a web action. */
  deploy(name: string, annotations?: object, more?: object): Promise<void>;
  /** Requests below /api/v1/web unless the path begins with a slash. */
  call(method: string, path: string, request?: WebRequest): Promise<WebResponse>;
}

interface TestWebOptions extends TestApiOptions {
  readonly web?: Partial<WebLimits>;
  readonly guard?: TokenGuard;
  readonly extend?: (app: FastifyInstance, web: Web, api: TestApi) => void;
}

export async function startWeb(options: TestWebOptions = {}): Promise<TestWeb> {
  const api = await startApi(options);
  const app = fastify({ genReqId: transactionIdOf, exposeHeadRoutes: false, trustProxy: '127.0.0.1' });
  const web = createWeb({
    functions: api.functions,
    log: silentLog,
    limits: options.web ?? {},
    guard: options.guard ?? closedGuard,
    hasConsole: false,
    prefix: '',
  });
  addWeb(app, web);
  options.extend?.(app, web, api);
  return {
    api,
    app,
    async deploy(name, annotations = {}, more = {}) {
      const all = Object.entries({ 'web-export': true, ...annotations });
      const body = { ...hello, annotations: all.map(([key, value]) => ({ key, value })), ...more };
      const { status, text } = await api.call('PUT', `actions/${name}?overwrite=true`, { body });
      if (status !== 200) throw new Error(text);
    },
    call: (method, path, request) => inject(app, method, path, request),
    async [Symbol.asyncDispose]() {
      await app.close();
      await api[Symbol.asyncDispose]();
    },
  };
}

async function inject(
  app: FastifyInstance,
  method: string,
  path: string,
  { headers = {}, payload, key, address }: WebRequest = {},
): Promise<WebResponse> {
  const response = await app.inject({
    method: method as 'GET',
    url: path.startsWith('/') ? path : `/api/v1/web/${path}`,
    headers: {
      ...(key === undefined ? {} : { authorization: basic(key) }),
      ...(address === undefined ? {} : { 'x-forwarded-for': address }),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  });
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.payload,
    bytes: response.rawPayload,
  };
}
