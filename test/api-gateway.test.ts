/** The API gateway of a whole Ward, managed by OpenWhisk's own clients. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProvider, type TestProvider } from '../src/oidc/provider.fixture.ts';
import { missingForSandboxes, Ward } from './ward.ts';

/** What the client can do but its types leave out. */
interface Routes {
  create(options: object): Promise<unknown>;
  list(): Promise<unknown>;
  get(options: object): Promise<unknown>;
  delete(options: object): Promise<unknown>;
}

const missing = missingForSandboxes();

describe.skipIf(missing !== undefined)(`API gateway${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let provider: TestProvider;

  beforeAll(async () => {
    provider = await startProvider();
    const { issuer, authority } = provider;
    const adobeAuth = { issuer, audience: 'https://adobe.example.com', scopes: ['read'] };
    ward = await Ward.start({ oidc: { issuers: [{ issuer, caFile: authority.file }], adobeAuth } });
    await ward.raiseLimits();
    const code = 'function main(args) { return { body: args }; }';
    for (const [name, annotations] of [
      ['books', { 'web-export': true }],
      ['secret', { 'web-export': true, 'require-whisk-auth': 123456789 }],
      ['plain', {}],
      ['oidc', { 'web-export': true, 'require-oidc-auth': { issuer, audience: 'https://api.example.com' } }],
      ['adobe', { 'web-export': true, 'require-adobe-auth': true }],
      [
        'elsewhere',
        { 'web-export': true, 'require-oidc-auth': { issuer: 'https://127.0.0.1:9', audience: 'x' } },
      ],
    ] as const) {
      const list = Object.entries(annotations).map(([key, value]) => ({ key, value }));
      const body = { exec: { kind: 'nodejs:24', code }, annotations: list };
      await ward.request('PUT', `/api/v1/namespaces/_/actions/${name}`, { body });
    }
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });

  /** A request as wsk sends it. */
  const wsk = (method: string, name: string, query: string, body?: object) => {
    const [uuid] = ward.auth.split(':');
    const path = `/api/v1/web/whisk.system/apimgmt/${name}.http?accesstoken=DUMMY+TOKEN&spaceguid=${uuid}&${query}`;
    return ward.request(method, path, body === undefined ? {} : { body });
  };
  const operation = (more: object, action: object = {}) => ({
    apidoc: {
      namespace: '_',
      gatewayBasePath: '/club',
      gatewayPath: '/books',
      gatewayMethod: 'GET',
      id: 'API:_:/club',
      action: {
        name: 'books',
        namespace: '_',
        backendMethod: 'GET',
        backendUrl: `${ward.url}/api/v1/web/_/default/books.http`,
        authkey: ward.auth,
        ...action,
      },
      ...more,
    },
  });

  it('npm’s client makes, finds and deletes an API that anyone can call', async () => {
    const routes = ward.client().routes as unknown as Routes;
    const options = { relpath: '/hello/{name}', operation: 'GET', action: 'books', responsetype: 'http' };
    const made = await routes.create({ ...options, basepath: '/npm' });
    expect(made).toMatchObject({ gwApiUrl: `${ward.url}/apis/guest/npm`, apidoc: { basePath: '/npm' } });
    const called = await fetch(`${ward.url}/apis/guest/npm/hello/Ada%20L?x=1`);
    expect(called.status).toBe(200);
    expect(await called.json()).toMatchObject({ name: 'Ada L', x: '1', __ow_path: '/npm/hello/Ada%20L' });
    expect(await routes.list()).toMatchObject({
      apis: [{ value: { gwApiUrl: `${ward.url}/apis/guest/npm` } }],
    });
    expect(await routes.get({ basepath: '/npm' })).toMatchObject({ apis: [{}] });
    await routes.delete({ basepath: '/npm' });
    expect(await routes.list()).toEqual({ apis: [] });
    expect((await fetch(`${ward.url}/apis/guest/npm/hello/Ada`)).status).toBe(404);
    await expect(routes.delete({ basepath: '/npm' })).rejects.toThrow("API '/npm' does not exist.");
  });

  it('actions that need a token of an OpenID provider are called with one, here and at their own URL', async () => {
    const routes = ward.client().routes as unknown as Routes;
    const options = { basepath: '/tokens', operation: 'GET', responsetype: 'http' };
    for (const action of ['oidc', 'adobe', 'elsewhere'])
      await routes.create({ ...options, relpath: `/${action}`, action });
    const [own, adobe] = await Promise.all(
      ['https://api.example.com', 'https://adobe.example.com'].map((audience) => provider.token(audience)),
    );
    const bearer = (token: string | undefined) => ({ headers: { authorization: `Bearer ${token}` } });
    for (const base of [`${ward.url}/apis/guest/tokens`, `${ward.url}/api/v1/web/guest/default`]) {
      for (const [action, token, other] of [
        ['oidc', own, adobe],
        ['adobe', adobe, own],
      ]) {
        const refused = await Promise.all([
          fetch(`${base}/${action}`),
          fetch(`${base}/${action}`, bearer(other)),
        ]);
        expect(refused.map(({ status }) => status)).toEqual([401, 401]);
        const called = await fetch(`${base}/${action}`, bearer(token));
        expect(await called.json()).toMatchObject({
          __ow_user: 'robot',
          __ow_claims: { sub: 'robot', scope: 'read' },
        });
      }
      // The operator’s rules let no tenant connect to this machine.
      const payload = Buffer.from(
        JSON.stringify({ iss: 'https://127.0.0.1:9', aud: 'x', sub: 'a', exp: 9e9 }),
      );
      const forged = `${own?.split('.')[0]}.${payload.toString('base64url')}.AA`;
      expect((await fetch(`${base}/elsewhere`, bearer(forged))).status).toBe(503);
    }
    await routes.delete({ basepath: '/tokens' });
  });

  it('wsk’s requests: operations, a document that is exported and imported again, secrets', async () => {
    const secure = operation({ gatewayPath: '/secret' }, { name: 'secret', secureKey: 123456789 });
    for (const [query, body] of [
      ['responsetype=json', operation({ apiName: 'Book Club' })],
      ['responsetype=http', operation({ gatewayMethod: 'POST' })],
      ['responsetype=json', secure],
    ] as const) {
      const { status, body: answer } = await wsk('POST', 'createApi', query, body);
      expect({ status, url: answer.gwApiUrl }).toEqual({ status: 200, url: `${ward.url}/apis/guest/club` });
    }
    const url = `${ward.url}/apis/guest/club`;
    expect(await (await fetch(`${url}/books?a=1`)).json()).toMatchObject({
      body: { a: '1', __ow_method: 'get' },
    });
    expect((await fetch(`${url}/secret`)).status).toBe(200);
    expect((await fetch(`${ward.url}/api/v1/web/guest/default/secret`)).status).toBe(401);
    const refused = await fetch(`${url}/books`, { method: 'DELETE' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, POST']);
    const exported = (await wsk('GET', 'getApi', 'basepath=Book+Club')).body.apis[0].value.apidoc;
    expect((await wsk('DELETE', 'deleteApi', 'basepath=/club')).status).toBe(200);
    expect((await fetch(`${url}/books`)).status).toBe(404);
    const again = { apidoc: { namespace: '_', swagger: JSON.stringify(exported) } };
    expect((await wsk('POST', 'createApi', 'responsetype=json', again)).status).toBe(200);
    expect((await fetch(`${url}/secret`)).status).toBe(200);
    await wsk('DELETE', 'deleteApi', 'basepath=/club&relpath=/books&operation=GET');
    expect((await fetch(`${url}/books`)).status).toBe(405);
  });

  it('an API survives a restart of its server', async () => {
    const { body } = await wsk(
      'POST',
      'createApi',
      'responsetype=http',
      operation({ gatewayBasePath: '/kept' }),
    );
    expect(body.gwApiActivated).toBe(true);
    await ward.stop();
    ward = await Ward.start({}, ward.dataDir);
    expect((await fetch(`${ward.url}/apis/guest/kept/books`)).status).toBe(200);
  });

  it('no one makes APIs without a key or for others, and no API reaches an action that is not a web action', async () => {
    const path = '/api/v1/web/whisk.system/apimgmt/createApi.http';
    const body = JSON.stringify(operation({}));
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${ward.url}${path}`, { method: 'POST', headers, body })).status).toBe(401);
    const spoofed = await wsk('POST', 'createApi', '__ow_user=other', operation({}));
    expect(spoofed.status).toBe(400);
    const plain = await wsk('POST', 'createApi', '', operation({}, { name: 'plain' }));
    expect(plain.status).toBe(200);
    expect(plain.body.warnings).toEqual([expect.stringContaining("'/guest/plain' is not a web action")]);
    expect((await fetch(`${plain.body.gwApiUrl}/books`)).status).toBe(404);
    const other = await ward.createNamespace('other');
    const foreign = await ward.request('POST', path, {
      auth: other,
      body: operation({}, { namespace: 'guest' }),
    });
    expect(foreign.body.warnings).toEqual([expect.stringContaining('does not exist, or is not yours')]);
    expect(foreign.body.gwApiUrl).toContain('/apis/other/');
  });
});
