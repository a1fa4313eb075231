/** Web actions of a whole Ward, called by browsers, strangers and attackers. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from '../src/functions/domains/dns-server.fixture.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const web = '/api/v1/web/guest/default';

describe.skipIf(missing !== undefined)(`web actions${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let dns: DnsServer;

  beforeAll(async () => {
    dns = await startDnsServer();
    ward = await Ward.start({ domains: { resolvers: [dns.address] } });
    await ward.raiseLimits();
    await offer('echo', 'function main(args) { return args; }');
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
    await dns?.[Symbol.asyncDispose]();
  });

  async function offer(
    name: string,
    code: string,
    annotations: object = {},
    more: object = {},
  ): Promise<void> {
    const all = Object.entries({ 'web-export': true, ...annotations }).map(([key, value]) => ({
      key,
      value,
    }));
    const body = { exec: { kind: 'nodejs:24', code }, annotations: all, ...more };
    const reply = await ward.request('PUT', `/api/v1/namespaces/_/actions/${name}?overwrite=true`, { body });
    expect(reply.status).toBe(200);
  }

  /** Sends a request without a key. */
  const call = (path: string, init: RequestInit = {}) => fetch(`${ward.url}${web}/${path}`, init);

  async function speak(said: string): Promise<Socket> {
    const socket = connect(Number(new URL(ward.url).port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(said);
    return socket;
  }

  it('anyone can reach web actions, with query, form, JSON and files', async () => {
    const query = await (await call('echo.json?name=Ada&name=Grace')).json();
    expect(query).toMatchObject({ name: 'Grace', __ow_method: 'get', __ow_path: '' });
    const form = await call('echo.json', { method: 'POST', body: new URLSearchParams({ a: 'ü &=' }) });
    expect(await form.json()).toMatchObject({ a: 'ü &=', __ow_method: 'post' });
    const headers = { 'content-type': 'application/json' };
    const json = await call('echo.json/x/y', { method: 'PATCH', headers, body: '{"a":{"b":[1]}}' });
    expect(await json.json()).toMatchObject({ a: { b: [1] }, __ow_path: '/x/y' });
    const file = await call('echo.json', { method: 'PUT', body: new Blob([Buffer.from([0, 255])]) });
    expect(await file.json()).toMatchObject({ __ow_body: 'AP8=' });
    expect((await call('echo.json', { headers: { authorization: 'Basic nonsense' } })).status).toBe(200);
  });

  it('an action can make a whole HTTP answer: status, cookies, bytes', async () => {
    const code = `exports.main = ({ what }) => ({
      page: { headers: { 'Set-Cookie': ['a=1', 'b=2; Path=/'] }, body: '<h1>é</h1>' },
      image: { headers: { 'Content-Type': 'image/png' }, body: Buffer.from([137, 80, 78, 71]).toString('base64') },
      redirect: { statusCode: 302, headers: { location: '/there' } },
      teapot: { error: { statusCode: 418, body: 'short and stout' } },
      nothing: {},
    })[what];`;
    await offer('answers', code);
    const page = await call('answers?what=page');
    expect(page.headers.getSetCookie()).toEqual(['a=1', 'b=2; Path=/']);
    expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(await page.text()).toBe('<h1>é</h1>');
    const image = await call('answers.http?what=image');
    expect(Buffer.from(await image.arrayBuffer())).toEqual(Buffer.from([137, 80, 78, 71]));
    const redirect = await call('answers?what=redirect', { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([302, '/there']);
    const teapot = await call('answers?what=teapot');
    expect([teapot.status, await teapot.text()]).toEqual([418, 'short and stout']);
    expect((await call('answers?what=nothing')).status).toBe(204);
  });

  it('a failure is reported to its owner, and to no one else', async () => {
    await offer('broken', 'function main() { throw new Error("the inside"); }');
    const answer = await call('broken.json');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      error: 'There was an error processing your request.',
      code: answer.headers.get('x-request-id'),
    });
    const id = answer.headers.get('x-openwhisk-activation-id') ?? '';
    expect((await ward.activation(id)).response.result.error).toContain('the inside');
  });

  it('a result over the limit is reported, without any of its content', async () => {
    await offer('large', 'function main() { return { body: "x".repeat(2_000_000) }; }');
    const error = 'The action produced a response that exceeded the allowed length: 2000011 > 1048576 bytes.';
    for (const form of ['large', 'large.json', 'large.text']) {
      const answer = await call(form);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({ error, code: answer.headers.get('x-request-id') });
    }
  });

  it('Python actions and sequences can be web actions too', async () => {
    await ward.request('PUT', '/api/v1/namespaces/_/actions/py?overwrite=true', {
      body: {
        exec: { kind: 'python:3.13', code: 'def main(args):\n    return {"body": "hello " + args["name"]}' },
        annotations: [{ key: 'web-export', value: true }],
      },
    });
    expect(await (await call('py?name=Ada')).text()).toBe('hello Ada');
    await ward.request('PUT', '/api/v1/namespaces/_/actions/both?overwrite=true', {
      body: {
        exec: { kind: 'sequence', components: ['/_/echo', '/_/py'] },
        annotations: [{ key: 'web-export', value: true }],
      },
    });
    expect(await (await call('both?name=Grace')).text()).toBe('hello Grace');
  });

  it('a secret or a key opens actions that require one, and OPTIONS needs neither', async () => {
    await offer('secret', 'function main() { return { body: "in" }; }', {
      'require-whisk-auth': 9007199254740991,
    });
    await offer('keyed', 'function main(args) { return { body: args.__ow_user }; }', {
      'require-whisk-auth': true,
    });
    const headers = { 'x-require-whisk-auth': '9007199254740991' };
    expect((await call('secret')).status).toBe(401);
    expect(await (await call('secret', { headers })).text()).toBe('in');
    expect((await call('keyed')).status).toBe(401);
    const authorization = `Basic ${Buffer.from(ward.auth).toString('base64')}`;
    expect(await (await call('keyed', { headers: { authorization } })).text()).toBe('guest');
    const preflight = await call('keyed', {
      method: 'OPTIONS',
      headers: { 'access-control-request-headers': 'x-own' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([200, 'x-own']);
    expect((await call('keyed')).headers.get('access-control-allow-origin')).toBe('*');
  });

  it('two answers on one connection stay two, whatever a result says', async () => {
    const forged = '0\r\n\r\nHTTP/1.1 200 OK\r\nx-stolen: 1\r\n\r\n';
    const framing = { 'Content-Length': '3', 'Transfer-Encoding': 'chunked', Connection: 'x', 'x-a': 'b' };
    const returning = (result: object) => `exports.main = () => (${JSON.stringify(result)});`;
    await offer('framer', returning({ headers: framing, body: forged }));
    await offer('splitter', returning({ headers: { 'x-a': `b${forged}` }, body: 'x' }));
    const request = (name: string, connection: string) =>
      `GET ${web}/${name} HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;
    const socket = await speak(
      request('framer', 'keep-alive') + request('splitter', 'keep-alive') + request('echo.json/end', 'close'),
    );
    const heard = await text(socket);
    const lengths = [...heard.matchAll(/^content-length: (\d+)\r$/gim)].map(([, length]) => Number(length));
    expect(lengths).toHaveLength(3);
    expect(lengths[0]).toBe(forged.length);
    expect(heard).not.toMatch(/transfer-encoding/i);
    expect(heard).toMatch(/HTTP\/1\.1 400 Bad Request\r\n/);
    expect(heard).toContain('"__ow_path": "/end"');
  });

  it.each(['/../../../namespaces/_/actions', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc'])(
    'a path such as %s is the action’s, not the server’s',
    async (path) => {
      const socket = await speak(
        `GET ${web}/echo.json${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      const heard = await text(socket);
      expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(heard).toContain(`"__ow_path": "${path}"`);
    },
  );

  it('a slow or broken body affects no one else', async () => {
    const head = (length: number) =>
      `POST ${web}/echo.json HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\nx`;
    const sockets = await Promise.all(Array.from({ length: 100 }, () => speak(head(10_000))));
    const broken = await Promise.all(Array.from({ length: 20 }, () => speak(head(1_000_000))));
    for (let n = 0; n < 10; n++) expect((await call('echo.json')).status).toBe(200);
    for (const socket of [...sockets, ...broken]) socket.destroy();
    // The server frees the memory of clients that left once it notices.
    await ward.until(async () => {
      const upload = await call('echo.json', { method: 'POST', body: 'x'.repeat(1_000_000) });
      await upload.text();
      return upload.status === 200;
    });
    const over = await call('echo.json', { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) });
    expect(over.status).toBe(413);
  });

  describe('at a domain of the namespace', () => {
    const domain = 'shop.example.com';
    const at = async (method: string, path: string, host = domain) => {
      const sent = httpRequest(`${ward.url}/`, { method, path, headers: { host }, agent: false }).end();
      const [answer] = await once(sent, 'response');
      const body = await text(answer);
      return { status: Number(answer.statusCode), headers: answer.headers, body: String(body) };
    };
    const claim = (name: string, body: object, auth = ward.auth) =>
      ward.request('PUT', `/ward/v1/domains/${name}`, { auth, body });
    const verify = (name: string, auth = ward.auth) =>
      ward.request('POST', `/ward/v1/domains/${name}/verify`, { auth });
    const prove = async (name: string, body: object, auth = ward.auth) => {
      const { challenge } = (await claim(name, body, auth)).body;
      dns.records.set(challenge.name, [challenge.value]);
      return verify(name, auth);
    };

    it('a proved one serves its package and nothing else, and no other namespace gets it', async () => {
      await offer('index', 'function main(args) { return { body: "front " + args.__ow_path }; }');
      expect(await at('GET', '/echo.json/x?a=1')).toMatchObject({ status: 404 });
      const proved = await prove(domain, { package: 'default' });
      expect(proved).toMatchObject({ status: 200, body: { name: domain, isProved: true } });
      const echo = await at('GET', '/echo.json/x?a=1', 'Shop.Example.com:8443');
      expect(JSON.parse(echo.body)).toMatchObject({ a: '1', __ow_path: '/x', __ow_method: 'get' });
      // It is alone at its origin, unlike at Ward's own name.
      expect(echo.headers['content-security-policy']).toBeUndefined();
      expect((await call('echo.json')).headers.get('content-security-policy')).toContain('sandbox');
      expect((await at('GET', '/')).body).toBe('front ');
      for (const [method, path] of [
        ...[
          ['GET', '/ping'],
          ['GET', '/metrics'],
          ['GET', '/console/'],
          ['GET', '/v2/'],
          ['GET', '/apis/guest/x'],
        ],
        ...[
          ['GET', '/api/v1/namespaces'],
          ['GET', '/ward/v1/domains'],
          ['POST', '/console/session'],
        ],
        ...[
          ['GET', `${web}/echo.json`],
          ['GET', '/..'],
          ['GET', '//'],
          ['PROPFIND', '/api/v1/namespaces'],
        ],
        ...[
          ['TRACE', '/echo.json'],
          ['GET', 'http://127.0.0.1/ping'],
        ],
      ] as [string, string][])
        expect([method, path, (await at(method, path)).status]).toEqual([method, path, 404]);

      const rival = await ward.createNamespace('rival');
      expect(await verify(domain, rival)).toMatchObject({ status: 404 });
      await claim(domain, { package: 'default' }, rival);
      const taking = await verify(domain, rival);
      expect([taking.status, taking.headers.get('x-ward-fault')]).toEqual([409, 'DOMAIN_UNPROVED']);
      expect((await at('GET', '/')).status).toBe(200);
      expect(await ward.request('GET', '/ward/v1/domains', { auth: rival })).toMatchObject({
        body: [{ name: domain, isProved: false }],
      });

      expect(await ward.request('DELETE', `/ward/v1/domains/${domain}`)).toMatchObject({ status: 204 });
      expect((await at('GET', '/echo.json')).status).toBe(404);
      expect(await at('GET', '/ping')).toMatchObject({ status: 200, body: 'pong' });
    });

    it('a proved one serves one API', async () => {
      const { routes } = ward.client();
      const routed = routes as unknown as { create(options: object): Promise<unknown> };
      for (const [basepath, relpath] of [
        ['/club', '/books'],
        ['/club/own', '/rules'],
      ])
        await routed.create({ basepath, relpath, operation: 'GET', action: 'echo', responsetype: 'json' });
      expect(await prove('club.example', { api: '/club' })).toMatchObject({ status: 200 });
      const books = await at('GET', '/books?a=1', 'club.example');
      expect(JSON.parse(books.body)).toMatchObject({ a: '1', __ow_method: 'get' });
      expect((await at('POST', '/books', 'club.example')).status).toBe(405);
      for (const path of ['/own/rules', '/club/books', '/', '/echo.json'])
        expect([path, (await at('GET', path, 'club.example')).status]).toEqual([path, 404]);
    });
  });

  it('strangers can’t use up a tenant’s own calls', async () => {
    await ward
      .createNamespace('host', ['--invocations-per-minute', '1000', '--concurrent', '5'])
      .then(async (auth) => {
        const annotations = [{ key: 'web-export', value: true }];
        const code =
          'function main({ ms = 1 }) { return new Promise((done) => setTimeout(done, Number(ms), {})); }';
        const path = '/api/v1/namespaces/_/actions/slow';
        await ward.request('PUT', path, { auth, body: { exec: { kind: 'nodejs:24', code }, annotations } });
        const flood = Array.from({ length: 30 }, () =>
          fetch(`${ward.url}/api/v1/web/host/default/slow?ms=2000`),
        );
        const statuses = Promise.all(flood.map(async (each) => (await each).status));
        const own = await ward.request('POST', `${path}?blocking=true`, { auth, body: {} });
        expect(own.status).toBe(200);
        const counts = Map.groupBy(await statuses, (status) => status);
        expect(counts.get(204)).toHaveLength(4);
        expect(counts.get(429)).toHaveLength(26);
      });
  });
});
