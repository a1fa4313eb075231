import { expect, test } from 'vitest';
import { answerFault, proxyFault, transportFault } from './client-faults.ts';
import { exitCodeOf } from './faults.ts';

const auth = { value: 'id:secret', source: 'WARD_AUTH' };

test.each([
  [400, 'REQUEST_INVALID', 2],
  [401, 'KEY_REFUSED', 4],
  [403, 'NOT_AUTHORISED', 4],
  [404, 'NOT_FOUND', 5],
  [405, 'REQUEST_UNSUPPORTED', 1],
  [409, 'CONFLICT', 1],
  [413, 'REQUEST_TOO_LARGE', 1],
  [429, 'THROTTLED', 7],
  [500, 'SERVER_FAILED', 1],
  [502, 'SERVER_FAILED', 1],
  [503, 'SERVER_BUSY', 7],
])('status %i is %s and exits with %i', (status, code, exitCode) => {
  const body = { error: 'what the server says', code: 'request-1' };
  const fault = answerFault({ status, body }, 'GET /x', auth);
  expect(fault).toMatchObject({ code, message: 'what the server says' });
  expect(exitCodeOf(fault.kind)).toBe(exitCode);
  expect(fault.cause).toMatchObject({ message: expect.stringContaining(`GET /x → ${status}`) });
});

test.each(['DEPLOYMENT_REFUSED', 'RUN_REFUSED'])(
  '%s is a refusal by the gate, and does not mention the key',
  (code) => {
    const body = { error: 'denied by policy', code: 'request-1' };
    const fault = answerFault({ status: 403, body, headers: { 'x-ward-fault': code } }, 'PUT /x', auth);
    expect(fault).toMatchObject({ code: 'GATE_REFUSED', message: 'denied by policy' });
    expect(exitCodeOf(fault.kind)).toBe(3);
    expect(`${fault.hint} ${fault.cause}`).not.toMatch(/key|WARD_AUTH/);
  },
);

test.each(['INVOKER_BUSY', 'INVOKERS_BUSY'])(
  '%s is no limit of the namespace, and says when to come again',
  (code) => {
    const body = { error: 'System is overloaded, try again later.', code: 'request-1', hint: 'wait' };
    const headers = { 'x-ward-fault': code, 'retry-after': '3' };
    const fault = answerFault({ status: 429, body, headers }, 'POST /x', auth);
    expect(fault).toMatchObject({ code: 'SERVER_OVERLOADED', message: body.error, hint: 'try again in 3 s' });
    expect(exitCodeOf(fault.kind)).toBe(7);
    const limited = answerFault(
      { status: 429, body, headers: { ...headers, 'x-ward-fault': 'TOO_MANY_CONCURRENT' } },
      'POST /x',
      auth,
    );
    expect(limited.code).toBe('THROTTLED');
  },
);

test.each(['EGRESS_EXCEEDED', 'POLICY_EXCEEDED'])(
  '%s keeps its code, and does not mention the key',
  (code) => {
    const body = { error: 'not allowed', code: 'request-1', hint: 'ask for less' };
    const fault = answerFault({ status: 403, body, headers: { 'x-ward-fault': code } }, 'PUT /x', auth);
    expect(fault).toMatchObject({ code, message: 'not allowed', hint: 'ask for less' });
    expect(exitCodeOf(fault.kind)).toBe(3);
    expect(String(fault.cause)).not.toMatch(/key|WARD_AUTH/);
  },
);

test.each([
  ['GET /api/v1/namespaces/_/actions/x', 'ward action list'],
  ['GET /api/v1/namespaces/_/activations/x', 'ward activation list'],
])('a 404 of %s suggests %s', (request, hint) => {
  expect(answerFault({ status: 404, body: null }, request, auth).hint).toContain(hint);
});

test('a wrong form of an id suggests where the ids are', () => {
  const request = 'GET /api/v1/namespaces/_/activations/123';
  expect(answerFault({ status: 400, body: null }, request, auth).hint).toBe(
    'ward activation list shows the ids',
  );
});

test('reports the source of a refused key, but never the key', () => {
  const fault = answerFault({ status: 401, body: null }, 'GET /x', auth);
  expect(fault.message).toBe('the server answered 401');
  expect(String(fault.cause)).toContain('WARD_AUTH');
  expect(`${fault.message}${fault.hint}${fault.cause}`).not.toContain('secret');
});

test.each([
  [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'SERVER_UNREACHABLE', 6],
  [Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }), 'SERVER_UNREACHABLE', 6],
  [Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'SERVER_UNREACHABLE', 6],
  [new DOMException('', 'TimeoutError'), 'SERVER_TIMED_OUT', 7],
])('%s is %s', (error, code, exitCode) => {
  const fault = transportFault(error, new URL('http://h:1/x'), 1000);
  expect(fault.code).toBe(code);
  expect(exitCodeOf(fault.kind)).toBe(exitCode);
});

test.each([
  [{ status: 413, headers: { server: 'nginx/1.26.3' } }, 'a proxy (nginx/1.26.3)', 'client_max_body_size'],
  [{ status: 502, headers: { server: 'Caddy' } }, 'a proxy (Caddy)', 'start Ward'],
  [{ status: 504, headers: {} }, 'a proxy before', 'proxy_read_timeout'],
  [{ status: 403, headers: { server: 'nginx' } }, 'a proxy (nginx)', '--apihost'],
  [{ status: 502, headers: { server: `\u001b[31m${'x'.repeat(200)}` } }, 'a proxy before', 'start Ward'],
])('%o is reported as a proxy’s answer', (answer, who, hint) => {
  const fault = proxyFault(answer, new URL('https://ward.test/x'));
  expect(fault?.code).toBe('PROXY_FAILED');
  expect(fault?.message).toContain(who);
  expect(fault?.hint).toContain(hint);
});

test.each([
  { status: 413, headers: { server: 'nginx', 'x-request-id': 'a' } },
  { status: 200, headers: { server: 'nginx' } },
  { status: 400, headers: {} },
])('%o is not a proxy’s answer', (answer) => {
  expect(proxyFault(answer, new URL('https://ward.test/x'))).toBeUndefined();
});

test('an untrusted certificate suggests -i', () => {
  const error = Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  expect(transportFault(error, new URL('https://h/'), 1000).hint).toContain('-i');
});
