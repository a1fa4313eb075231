/** Web actions over HTTP, on the real domain. */
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { invokerBusy } from '../../dispatch/index.ts';
import { parseEntityName, parseNamespaceName } from '../../functions/index.ts';
import { Fault, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { basic, completion } from '../api.fixture.ts';
import { startWeb, type TestWeb } from './web.fixture.ts';

const all = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const withBodies = all.filter((method) => method !== 'HEAD');
const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH',
  'access-control-allow-headers': 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent',
};
const anError = (error: unknown) => ({ error, code: expect.stringMatching(/^[0-9a-f]{32}$/) });
const notFound = anError('The requested resource does not exist.');

let web: TestWeb;
let stranger: string;

beforeAll(async () => {
  web = await startWeb({ limits: { invocationsPerMinute: 100_000, concurrentInvocations: 1000 } });
  stranger = await web.api.functions.namespaces.create('stranger');
  await web.deploy(
    'echo',
    { final: true },
    {
      parameters: [
        { key: 'x', value: 'X' },
        { key: 'open', value: null },
      ],
    },
  );
  await web.deploy('own', { 'web-custom-options': true });
  await web.deploy('raw', { 'raw-http': true, final: true }, { parameters: [{ key: 'x', value: 'X' }] });
  await web.deploy('keyed', { 'require-whisk-auth': true });
  await web.deploy('secret', { 'require-whisk-auth': 'abc' });
  await web.deploy('own-secret', { 'require-whisk-auth': 'abc', 'web-custom-options': true });
  await web.deploy('private', { 'web-export': false });
});
afterAll(() => web[Symbol.asyncDispose]());
beforeEach(() => {
  web.api.jobs.length = 0;
  web.api.script = (job) => completion({ ...job.parameters });
});

const returns = (result: JsonValue, more = {}) => {
  web.api.script = () => completion(result, more);
};
const lastArguments = (): JsonObject => {
  const parameters = web.api.jobs.at(-1)?.parameters;
  return isJsonObject(parameters) ? parameters : {};
};
const json = (payload: unknown) => ({
  payload: JSON.stringify(payload),
  headers: { 'content-type': 'application/json' },
});

describe('a path', () => {
  test.each([
    'a',
    'a/b',
    'guest',
    'guest/echo',
    'guest/default',
    'guest/default/absent.json',
    'guest/default/private.json',
    'guest/default/echo.xyz',
    'guest/default/echo.xyz/more',
    'guest/absent/echo',
    'guest/echo/echo',
    'nobody/default/echo',
    '_/default/echo',
    'guest/default/echo%2F..%2Fprivate',
    'guest//echo',
    'guest/default/..%00',
    'guest/default/%2e%2e/private',
  ])('%s is not found', async (path) => {
    for (const method of all) {
      const { status, text } = await web.call(method, path, { key: web.api.key });
      expect(status).toBe(404);
      if (method !== 'HEAD') expect(JSON.parse(text)).toEqual(notFound);
    }
    expect(web.api.jobs).toEqual([]);
  });

  test.each(['guest/default/%', 'guest/default/%ff', 'guest/default/%c3%28'])(
    '%s is malformed',
    async (path) => {
      expect((await web.call('GET', path)).status).toBeGreaterThanOrEqual(400);
      expect(web.api.jobs).toEqual([]);
    },
  );

  test('beyond the action is passed to the action unchanged', async () => {
    for (const [path, expected] of [
      ['guest/default/echo.json', ''],
      ['guest/default/echo.json/', '/'],
      ['guest/default/echo.json/a/%2F/b%20?x', '/a/%2F/b%20'],
      ['guest/default/echo/x.json', '/x.json'],
    ] as const) {
      await web.call('GET', path.replace('?x', '?y=1'));
      expect(lastArguments()['__ow_path']).toBe(expected);
    }
  });
});

describe('a call', () => {
  test.each(withBodies)('%s passes the request to the action, including its body', async (method) => {
    const { status, headers, text } = await web.call(method, 'guest/default/own.json?a=b&c=d', {
      ...json({ c: 1, yummy: true }),
      key: stranger,
    });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'x-openwhisk-activation-id': web.api.jobs[0]?.activationId,
    });
    expect(JSON.parse(text)).toMatchObject({
      a: 'b',
      c: 1,
      yummy: true,
      __ow_method: method.toLowerCase(),
      __ow_path: '',
      __ow_user: 'stranger',
      __ow_headers: { 'content-type': 'application/json', host: expect.any(String) },
    });
  });

  test('HEAD gets the headers of the answer, and no body', async () => {
    returns({ statusCode: 200, headers: { location: 'http://x' }, body: 'hidden' });
    const { status, headers, text } = await web.call('HEAD', 'guest/default/echo');
    expect({ status, text }).toEqual({ status: 200, text: '' });
    expect(headers).toMatchObject({ location: 'http://x', 'content-length': '6' });
    expect(lastArguments()).toMatchObject({ __ow_method: 'head' });
  });

  test('counts for its owner and is recorded there, whoever calls', async () => {
    await web.call('GET', 'guest/default/echo.json', { key: stranger });
    expect(web.api.jobs[0]).toMatchObject({ namespace: 'guest', action: '/guest/echo' });
  });

  test('never gets the caller’s key', async () => {
    await web.deploy('keys', { 'provide-api-key': true });
    await web.call('GET', 'guest/default/keys.json', { key: stranger });
    expect(JSON.stringify(web.api.jobs)).not.toContain(stranger.slice(40));
    // Its key is lent, and does not work here.
    const lent = web.api.jobs[0]?.apiKey ?? '';
    expect(lent).not.toBe(stranger);
    await expect(async () => web.api.functions.namespaces.authenticate(basic(lent))).rejects.toMatchObject({
      code: 'AUTHENTICATION_INVALID',
    });
    const bearer = { authorization: 'Bearer of.the.action' };
    await web.call('GET', 'guest/default/keys.json', { headers: bearer });
    expect(lastArguments()).toMatchObject({ __ow_headers: bearer });
    expect(lastArguments()).not.toHaveProperty('__ow_user');
  });

  test('with a read-only key equals one without, and its action does not get the key', async () => {
    const request = { scope: 'read', label: 'test' };
    const { key } = await web.api.functions.namespaces.createKey('stranger', request);
    expect((await web.call('GET', 'guest/default/keyed.json', { key })).status).toBe(401);
    await web.call('GET', 'guest/default/echo.json', { key });
    expect(lastArguments()).not.toHaveProperty('__ow_user');
    expect(lastArguments()['__ow_headers']).not.toHaveProperty('authorization');
  });

  test('with an invalid key equals one without', async () => {
    const { status } = await web.call('GET', 'guest/default/echo.json', { key: `${'0'.repeat(36)}:x` });
    expect(status).toBe(200);
    expect(lastArguments()).not.toHaveProperty('__ow_user');
  });

  test('passes on other headers, including those for more logging', async () => {
    await web.call('GET', 'guest/default/echo', { headers: { 'x-ow-extra-logging': 'on', cookie: 'a=b' } });
    expect(lastArguments()).toMatchObject({ __ow_headers: { 'x-ow-extra-logging': 'on', cookie: 'a=b' } });
  });

  test('that takes longer than a caller waits says so', async () => {
    await using slow = await startWeb({ limits: { blockingWaitMs: 5 } });
    await slow.deploy('echo');
    const end = Promise.withResolvers<void>();
    slow.api.script = async (job) => {
      await end.promise;
      return completion({ ...job.parameters });
    };
    const { status, headers, text } = await slow.call('GET', 'guest/default/echo.json');
    end.resolve();
    expect(status).toBe(202);
    expect(JSON.parse(text)).toEqual(anError('Response not yet ready.'));
    expect(headers['x-openwhisk-activation-id']).toBe(slow.api.jobs[0]?.activationId);
  });

  test('to a raw action passes on query and body unchanged', async () => {
    const { status } = await web.call('POST', 'guest/default/raw.json?x=1&y=%20', json({ x: 2 }));
    expect(status).toBe(200);
    expect(lastArguments()).toMatchObject({
      x: 'X',
      __ow_query: 'x=1&y=%20',
      __ow_body: Buffer.from('{"x":2}').toString('base64'),
    });
  });

  test.each([
    ['POST', '?x=1', {}],
    ['GET', '?__ow_user=guest', {}],
    ['PUT', '', json({ x: 1 })],
    ['POST', '?open=1', json({ __ow_headers: {} })],
  ])('%s %s cannot set final or reserved parameters', async (method, query, request) => {
    const { status, text } = await web.call(method, `guest/default/echo.json${query}`, request);
    expect(status).toBe(400);
    const refusal = 'Request defines parameters that are not allowed (e.g., reserved properties).';
    expect(JSON.parse(text)).toEqual(anError(refusal));
    expect(web.api.jobs).toEqual([]);
  });

  test('may set a final parameter that has no value', async () => {
    expect((await web.call('POST', 'guest/default/echo.json?open=1')).status).toBe(200);
    expect(lastArguments()).toMatchObject({ open: '1', x: 'X' });
  });
});

describe('through a package', () => {
  const put = (name: string, body: object) =>
    web.api.functions.packages.put(
      { namespace: parseNamespaceName('guest'), name: parseEntityName(name) },
      body,
      false,
    );

  test('parameters of all levels reach the action, and only its own annotations count', async () => {
    await put('tools', {
      parameters: [
        { key: 'p', value: 'package' },
        { key: 'q', value: 'package' },
      ],
    });
    await put('bound', {
      binding: { namespace: 'guest', name: 'tools' },
      parameters: [{ key: 'q', value: 'binding' }],
      annotations: [
        { key: 'web-export', value: false },
        { key: 'require-whisk-auth', value: true },
      ],
    });
    await web.deploy('tools/echo', { final: true });
    const { status, text } = await web.call('GET', 'guest/bound/echo.json');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ p: 'package', q: 'binding' });
    expect((await web.call('GET', 'guest/bound/echo.json?q=1')).status).toBe(400);
    expect((await web.call('GET', 'guest/bound/absent.json')).status).toBe(404);
    expect((await web.call('GET', 'guest/default/tools.json')).status).toBe(404);
    await put('plain', { annotations: [{ key: 'web-export', value: true }] });
    await web.deploy('plain/hidden', { 'web-export': false });
    expect((await web.call('GET', 'guest/plain/hidden.json')).status).toBe(404);
  });
});

describe('who may call', () => {
  const refused = anError('Authentication is possible but has failed or not yet been provided.');

  test.each([
    ['keyed', {}, 401],
    ['keyed', { headers: { 'x-require-whisk-auth': 'true' } }, 401],
    ['secret', {}, 401],
    ['secret', { headers: { 'x-require-whisk-auth': 'abd' } }, 401],
    ['secret', { headers: { 'x-require-whisk-auth': 'abc' } }, 200],
  ])('%s with %j → %i', async (name, request, expected) => {
    for (const method of withBodies.filter((each) => each !== 'OPTIONS')) {
      const { status, headers, text } = await web.call(method, `guest/default/${name}.json`, request);
      expect(status).toBe(expected);
      expect(headers).toMatchObject(cors);
      expect(headers).not.toHaveProperty('www-authenticate');
      if (expected === 401) expect(JSON.parse(text)).toEqual(refused);
    }
    if (expected === 401) expect(web.api.jobs).toEqual([]);
  });

  test('a caller with a key, if one is required', async () => {
    expect((await web.call('GET', 'guest/default/keyed.json', { key: stranger })).status).toBe(200);
    expect(lastArguments()).toMatchObject({ __ow_user: 'stranger' });
  });

  test('a number of 2^53 is compared exactly', async () => {
    await web.deploy('number', { 'require-whisk-auth': 9_007_199_254_740_991 });
    const call = (secret: string) =>
      web.call('GET', 'guest/default/number.json', { headers: { 'x-require-whisk-auth': secret } });
    expect((await call('9007199254740991')).status).toBe(200);
    expect((await call('9007199254740990')).status).toBe(401);
  });

  test('a refused body is not read', async () => {
    const payload = 'x'.repeat(2 * 1024 * 1024);
    expect((await web.call('POST', 'guest/default/keyed.json', { payload })).status).toBe(401);
    expect((await web.call('POST', 'guest/default/absent.json', { payload })).status).toBe(404);
  });
});

describe('CORS', () => {
  test.each(all)('%s allows every origin', async (method) => {
    const { status, headers } = await web.call(method, 'guest/default/echo.json');
    expect(status).toBe(200);
    expect(headers).toMatchObject(cors);
    expect(web.api.jobs).toHaveLength(method === 'OPTIONS' ? 0 : 1);
  });

  test('a preflight is answered with the requested headers, without a key and without a call', async () => {
    for (const name of ['echo', 'keyed', 'secret']) {
      const { status, headers, text } = await web.call('OPTIONS', `guest/default/${name}`, {
        headers: { 'access-control-request-headers': 'x-custom, y' },
      });
      expect({ status, text }).toEqual({ status: 200, text: '' });
      expect(headers).toMatchObject({ ...cors, 'access-control-allow-headers': 'x-custom, y' });
    }
    expect(web.api.jobs).toEqual([]);
  });

  test('an action with its own options answers itself, even without its secret, and nothing is added', async () => {
    returns({ headers: { 'Access-Control-Allow-Methods': 'OPTIONS, GET' } });
    const { status, headers } = await web.call('OPTIONS', 'guest/default/own-secret');
    expect(status).toBe(204);
    expect(headers).toMatchObject({ 'access-control-allow-methods': 'OPTIONS, GET' });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(lastArguments()).toMatchObject({ __ow_method: 'options' });
    expect((await web.call('GET', 'guest/default/own-secret')).status).toBe(401);
  });

  test('an action that sets a header itself has the last word', async () => {
    returns({ headers: { 'Access-Control-Allow-Origin': 'https://x' }, body: 'x' });
    const { headers } = await web.call('GET', 'guest/default/echo');
    expect(headers['access-control-allow-origin']).toBe('https://x');
  });
});

describe('an answer', () => {
  test('in each form', async () => {
    returns({ body: '<p>é', html: 'no' });
    expect(await web.call('GET', 'guest/default/echo.html')).toMatchObject({
      status: 200,
      text: '<p>é',
      headers: { 'content-type': 'text/html; charset=UTF-8', 'content-length': '5' },
    });
    returns({ svg: '<svg/>' });
    const svg = await web.call('GET', 'guest/default/echo.svg');
    expect(svg).toMatchObject({ text: '<svg/>', headers: { 'content-type': 'image/svg+xml' } });
    returns({ text: ['a'] });
    const text = await web.call('GET', 'guest/default/echo.text');
    expect(text).toMatchObject({
      text: '[\n  "a"\n]',
      headers: { 'content-type': 'text/plain; charset=UTF-8' },
    });
    returns([1]);
    const list = await web.call('GET', 'guest/default/echo.json');
    expect(list).toMatchObject({ text: '[\n  1\n]', headers: { 'content-type': 'application/json' } });
  });

  test('of HTTP: status, cookies, binary', async () => {
    returns({
      statusCode: 418,
      headers: { 'Set-Cookie': ['a=b', 'c=d; Path = /'], 'X-Many': ['1', '2'], 'content-type': 'image/png' },
      body: 'AAEC/w==',
    });
    const { status, headers, bytes } = await web.call('GET', 'guest/default/echo');
    expect(status).toBe(418);
    expect(headers).toMatchObject({ 'set-cookie': ['a=b', 'c=d; Path = /'], 'content-type': 'image/png' });
    expect(bytes).toEqual(Buffer.from([0, 1, 2, 255]));
  });

  test('of HTTP without a body', async () => {
    for (const [result, status] of [
      [{}, 204],
      [{ statusCode: 200 }, 200],
      [{ statusCode: 302, headers: { location: 'http://x', 'content-type': 'text/html' } }, 302],
    ] as const) {
      returns(result);
      const answer = await web.call('GET', 'guest/default/echo', { headers: { accept: 'application/json' } });
      expect(answer).toMatchObject({ status, text: '' });
      expect(answer.headers).not.toHaveProperty('content-type');
    }
  });

  test('with malformed headers is refused', async () => {
    returns({ headers: { 'x-a': 'b\r\nSet-Cookie: stolen' }, body: 'hidden' });
    const { status, headers, text } = await web.call('GET', 'guest/default/echo');
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual(anError("Response is not valid 'message/http'."));
    expect(JSON.stringify(headers)).not.toContain('stolen');
  });

  test('is framed by the server: the action’s length and connection headers are ignored', async () => {
    returns({
      headers: { 'Content-Length': '1', 'Transfer-Encoding': 'chunked', Connection: 'upgrade' },
      body: 'abc',
    });
    const { headers, text } = await web.call('GET', 'guest/default/echo');
    expect(text).toBe('abc');
    expect(headers['content-length']).toBe('3');
    expect(headers).not.toHaveProperty('transfer-encoding');
  });

  test('must have a type that the client accepts', async () => {
    returns({ body: 'text' });
    const { status, text } = await web.call('GET', 'guest/default/echo', {
      headers: { accept: 'application/json' },
    });
    expect(status).toBe(406);
    const refusal = 'Resource representation is only available with these types:\ntext/html; charset=UTF-8';
    expect(JSON.parse(text)).toEqual(anError(refusal));
    expect(web.api.jobs).toHaveLength(1);
  });

  test.each([
    [{ error: { statusCode: 403, body: 'no' } }, 'application error', 403, 'no'],
    [{ error: 'inside' }, 'action developer error', 400, undefined],
    [{ error: 'inside' }, 'whisk internal error', 400, undefined],
  ] as const)('of %j as %s', async (result, status, expected, body) => {
    returns(result, { status });
    const answer = await web.call('GET', 'guest/default/echo');
    expect(answer.status).toBe(expected);
    if (body !== undefined) return expect(answer.text).toBe(body);
    expect(answer.text).not.toContain('inside');
    expect(JSON.parse(answer.text)).toEqual(anError('There was an error processing your request.'));
    return expect(answer.headers['x-openwhisk-activation-id']).toBe(web.api.jobs[0]?.activationId);
  });

  test('with an error is on four lines, with the id of the request', async () => {
    returns({});
    const headers = { 'x-request-id': 'abc-1' };
    const { status, text } = await web.call('GET', 'guest/default/echo.text', { headers });
    expect(status).toBe(404);
    expect(text.split('\n')).toHaveLength(4);
    expect(JSON.parse(text)).toEqual({
      error: 'Response does not include requested property.',
      code: 'abc-1',
    });
  });

  test('to an internal failure reveals no internal details', async () => {
    web.api.script = () => {
      throw new Error('secret of the inside');
    };
    const { status, text } = await web.call('GET', 'guest/default/echo');
    expect(status).toBe(500);
    expect(JSON.parse(text)).toEqual(anError('There was an internal server error.'));
  });

  test.each([
    ['ENOSPC', 507, 'no room'],
    ['EIO', 503, 'read-only or fails'],
    ['EMFILE', 503, 'no file descriptor'],
  ])('on a machine in trouble (%s) is %i, and says when to retry', async (code, expected, why) => {
    const cause = Object.assign(new Error('/a/path'), { code });
    web.api.script = () => {
      throw new Fault('SANDBOX_START_FAILED', 'host', '/a/path', { cause });
    };
    const { status, headers, text } = await web.call('GET', 'guest/default/echo');
    expect([status, Number(headers['retry-after']) > 0]).toEqual([expected, true]);
    expect(JSON.parse(text)).toEqual(anError(expect.stringContaining(why)));
    expect(text).not.toContain('/a/path');
  });
});

describe('a body', () => {
  const mebibyte = 1024 * 1024;

  test.each(['POST', 'GET', 'HEAD'])('%s may have a mebibyte, and not a byte more', async (method) => {
    const headers = { 'content-type': 'text/plain' };
    const fits = await web.call(method, 'guest/default/raw.text', { payload: 'x'.repeat(mebibyte), headers });
    expect(fits.status).not.toBe(413);
    const { status, text } = await web.call(method, 'guest/default/raw.text', {
      payload: 'x'.repeat(mebibyte + 1),
      headers,
    });
    expect(status).toBe(413);
    if (method !== 'HEAD') {
      expect(JSON.parse(text)).toEqual(anError('Request larger than allowed: 1048577 > 1048576 bytes.'));
    }
  });

  test.each([
    ['{"a":', 'application/json', 400],
    ['a=%', 'application/x-www-form-urlencoded', 400],
    ['x', 'text/plain; charset=klingon', 400],
    ['x', 'text plain', 415],
  ])('%s as %s → %i with an error in JSON', async (payload, type, expected) => {
    const headers = { 'content-type': type };
    const {
      status,
      headers: sent,
      text,
    } = await web.call('POST', 'guest/default/echo.json', { payload, headers });
    expect(status).toBe(expected);
    expect(JSON.parse(text)).toEqual(anError(expect.any(String)));
    expect(sent).toMatchObject(cors);
    expect(web.api.jobs).toEqual([]);
  });

  test('that is a multipart form is base64, as in OpenWhisk', async () => {
    const payload = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n';
    await web.call('POST', 'guest/default/echo.json', {
      payload,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(lastArguments()).toMatchObject({ __ow_body: Buffer.from(payload).toString('base64') });
  });
});

describe('callers without a key', () => {
  const slow = { perSecond: 0.1, burst: 3 };
  const fast = { perSecond: 1000, burst: 1000 };
  const statuses = async (own: TestWeb, calls: readonly (readonly [path: string, address: string])[]) => {
    const found: number[] = [];
    for (const [path, address] of calls) found.push((await own.call('GET', path, { address })).status);
    return found;
  };

  test('from one address are told when to retry, and others are not affected', async () => {
    await using own = await startWeb({ web: { perAddress: slow, perAddressAndAction: fast } });
    await own.deploy('echo');
    const path = 'guest/default/echo.json';
    const one = ['192.0.2.1', '192.0.2.1', '192.0.2.1'] as const;
    expect(
      await statuses(
        own,
        one.map((address) => [path, address]),
      ),
    ).toEqual([200, 200, 200]);
    const { status, headers, text } = await own.call('GET', 'guest/default/other', { address: '192.0.2.1' });
    expect(status).toBe(429);
    expect(headers['retry-after']).toBe('10');
    expect(JSON.parse(text)).toEqual(anError('Too many requests from this address, try again later.'));
    expect(await statuses(own, [[path, '192.0.2.2']])).toEqual([200]);
  });

  test('that flood one action can still call another', async () => {
    await using own = await startWeb({ web: { perAddress: fast, perAddressAndAction: slow } });
    await own.deploy('a');
    await own.deploy('b');
    const calls = ['a', 'a', 'a', 'a', 'b'].map(
      (name) => [`guest/default/${name}.json`, '192.0.2.1'] as const,
    );
    expect(await statuses(own, calls)).toEqual([200, 200, 200, 429, 200]);
  });

  test('cannot use up the owner’s own calls', async () => {
    await using own = await startWeb({ limits: { concurrentInvocations: 5, invocationsPerMinute: 1000 } });
    await own.deploy('echo');
    const end = Promise.withResolvers<void>();
    own.api.script = async (job) => {
      await end.promise;
      return completion({ ...job.parameters });
    };
    const flood = Array.from({ length: 10 }, () => own.call('GET', 'guest/default/echo.json'));
    await expect.poll(() => own.api.jobs.length).toBe(4);
    const owners = own.api.call('POST', 'actions/echo?blocking=true', { body: {} });
    await expect.poll(() => own.api.jobs.length).toBe(5);
    end.resolve();
    expect((await owners).status).toBe(200);
    const answers = await Promise.all(flood);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
    const refused = answers.find(({ status }) => status === 429);
    expect(JSON.parse(refused?.text ?? '')).toEqual(
      anError('Too many concurrent requests in flight (count: 4, allowed: 4).'),
    );
    expect(refused?.headers['retry-after']).toBe('1');
    expect((await own.call('GET', 'guest/default/echo.json')).status).toBe(200);
  });

  test('are told apart by their code when they exceed a limit, and when the platform has no room', async () => {
    await using own = await startWeb({ limits: { concurrentInvocations: 0 } });
    await own.deploy('echo');
    const path = 'guest/default/echo.json';
    const limited = await own.call('GET', path);
    expect([limited.status, limited.headers['x-ward-fault']]).toEqual([429, 'WEB_SHARE_EXCEEDED']);
    await own.api.functions.namespaces.setLimits('guest', { concurrentInvocations: 10 });
    own.api.script = () => Promise.reject(invokerBusy(1500));
    const { status, headers, text } = await own.call('GET', path);
    expect([status, headers['x-ward-fault'], headers['retry-after']]).toEqual([429, 'INVOKER_BUSY', '2']);
    expect(JSON.parse(text)).toEqual(anError('System is overloaded, try again later.'));
  });

  test('get no more memory for bodies than the budget', async () => {
    await using own = await startWeb({ web: { uploadBytes: 100 * 1024 } });
    await own.deploy('echo');
    const end = Promise.withResolvers<void>();
    own.api.script = async () => {
      await end.promise;
      return completion({});
    };
    const upload = { payload: 'x'.repeat(80 * 1024), headers: { 'content-type': 'text/plain' } };
    const first = own.call('POST', 'guest/default/echo.json', upload);
    await expect.poll(() => own.api.jobs.length).toBe(1);
    expect((await own.call('POST', 'guest/default/echo.json', upload)).status).toBe(503);
    end.resolve();
    expect((await first).status).toBe(200);
    expect((await own.call('POST', 'guest/default/echo.json', upload)).status).toBe(200);
  });

  test('that do not read answers hold no more memory than the budget', async () => {
    const length = 16 * 1024 * 1024;
    await using own = await startWeb({ web: { answerBytes: length + 1000 } });
    await own.deploy('echo');
    own.api.script = () => completion({ body: 'x'.repeat(length) });
    const url = new URL(await own.app.listen({ host: '127.0.0.1', port: 0 }));
    const lazy = connect(Number(url.port), '127.0.0.1');
    lazy.pause();
    lazy.write('GET /api/v1/web/guest/default/echo HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => own.api.jobs.length).toBe(1);
    await expect.poll(async () => (await own.call('GET', 'guest/default/echo')).status).toBe(503);
    lazy.destroy();
    await expect.poll(async () => (await own.call('GET', 'guest/default/echo')).status).toBe(200);
  });
});
