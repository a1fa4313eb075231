/** Operators show a certificate, if Ward is told its authority: nothing else lets them in. */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { Duplex } from 'node:stream';
import { json } from 'node:stream/consumers';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newOperatorLogin } from '../../functions/index.ts';
import { makeAuthority, type TestAuthority, type TestPair } from '../../lib/key-pairs.fixture.ts';
import { basic, startApi, type TestApi } from '../api.fixture.ts';
import { clientCheck } from './client-certificate.ts';

let servers: TestAuthority;
let people: TestAuthority;
let operator: TestPair;
let api: TestApi;
let port: number;

beforeAll(async () => {
  [servers, people] = await Promise.all([makeAuthority(), makeAuthority()]);
  operator = await people.issue();
  const identity = { pairs: [await servers.issue()], clientCa: people.cert } as const;
  api = await startApi({ console: true, tls: { identity, hstsSeconds: 0 } });
  port = Number(new URL(await api.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await servers?.[Symbol.asyncDispose]();
  await people?.[Symbol.asyncDispose]();
});

const overview = '/ward/v1/operator/overview';
const ownPage = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };
const here = () => ({ port, host: '127.0.0.1', ca: servers.cert, ALPNProtocols: ['http/1.1'] });

async function ask(path: string, options: ConnectionOptions, headers = {}, body?: object) {
  const sent = requestHttps({
    ...{ ...here(), ...options, path, agent: false, method: body === undefined ? 'GET' : 'POST' },
    headers: { ...ownPage, 'content-type': 'application/json', ...headers },
  });
  sent.end(body && JSON.stringify(body));
  const [answer] = await once(sent, 'response');
  await json(answer);
  return { status: answer.statusCode, fault: answer.headers['x-ward-fault'], headers: answer.headers };
}
async function logIn(): Promise<string> {
  const { login } = await newOperatorLogin(api.store.sessions);
  const { headers } = await ask('/console/session', operator, {}, { login });
  return String(headers['set-cookie']).split(';')[0] ?? '';
}
const required = { status: 403, fault: 'CLIENT_CERTIFICATE_REQUIRED' };

test('an operator needs the login and the certificate, to log in and afterwards', async () => {
  const { login } = await newOperatorLogin(api.store.sessions);
  const expired = await people.issue([], '20200101000000Z');
  const strangers = [{}, await servers.issue(), expired];
  for (const shown of strangers)
    expect(await ask('/console/session', shown, {}, { login })).toMatchObject(required);
  // The refusals have not used it up.
  const begun = await ask('/console/session', operator, {}, { login });
  const [cookie] = String(begun.headers['set-cookie']).split(';');
  for (const shown of strangers) expect(await ask(overview, shown, { cookie })).toMatchObject(required);
  expect(await ask(overview, operator, { cookie })).toMatchObject({ status: 200 });
  expect(await ask(overview, operator)).toMatchObject({ status: 401, fault: 'OPERATOR_REQUIRED' });
});

test('a namespace’s key needs no certificate', async () => {
  const authorization = basic(api.key);
  expect(await ask('/api/v1/namespaces', {}, { authorization })).toMatchObject({ status: 200 });
  expect(await ask('/console/session', {}, {}, { key: api.key })).toMatchObject({ status: 200 });
});

test('a resumed connection counts only if the first one had a certificate', async () => {
  const cookie = await logIn();
  const resumeAfter = async (shown: ConnectionOptions) => {
    const first = connectTls({ ...here(), ...shown });
    const [session] = await once(first, 'session');
    first.destroy();
    const again = connectTls({ ...here(), session });
    await once(again, 'secureConnect');
    expect(again.isSessionReused()).toBe(true);
    const sent = requestHttps({
      path: overview,
      headers: { ...ownPage, cookie },
      createConnection: () => again,
    });
    sent.end();
    const [answer] = await once(sent, 'response');
    again.destroy();
    return answer.statusCode;
  };
  expect(await resumeAfter({})).toBe(403);
  expect(await resumeAfter(operator)).toBe(200);
});

test('a connection without a certificate does not count, even if Node.js says that it is authorized', () => {
  const socket = new TLSSocket(new Duplex({ read() {}, write() {} }));
  socket.authorized = true;
  expect(() => clientCheck(true)({ raw: { socket } })).toThrow('has none that counts');
  socket.destroy();
});

test('over HTTP/2 as well', async () => {
  const cookie = await logIn();
  const statusWith = async (shown: ConnectionOptions) => {
    const socket = connectTls({ ...here(), ...shown, ALPNProtocols: ['h2'] });
    const client = connectHttp2(`https://127.0.0.1:${port}`, { createConnection: () => socket });
    const [headers] = await once(client.request({ ':path': overview, ...ownPage, cookie }), 'response');
    client.destroy();
    return headers[':status'];
  };
  expect(await statusWith({})).toBe(403);
  expect(await statusWith(operator)).toBe(200);
});
