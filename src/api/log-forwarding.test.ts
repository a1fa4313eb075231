import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApi, type TestApi } from './api.fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ forwarding: { ceiling: { public: true, rules: [] } } });
});
afterAll(() => api[Symbol.asyncDispose]());

const root = '/runtime/namespaces';
const here = { adobe_io_runtime: {} };
const put = (body: unknown, namespace = 'guest') =>
  api.call('PUT', `${root}/${namespace}/logForwarding`, { body });

test('logs are where Adobe’s tools look for them', async () => {
  for (const path of ['guest/logForwarding', 'guest/logForwarding/', '_/logForwarding']) {
    expect(await api.call('GET', `${root}/${path}`)).toMatchObject({ status: 200, body: here });
  }
});

test('forwarding has no errors', async () => {
  const none = { destination: 'adobe_io_runtime', configured_forwarder: 'adobe_io_runtime', errors: [] };
  expect(await api.call('GET', `${root}/guest/logForwarding/errors`)).toMatchObject({
    status: 200,
    body: none,
  });
});

test.each([
  ['splunk_hec', { host: 'log.example', port: '8088', index: 'main' }, { hec_token: 's3cret' }],
  ['new_relic', { base_uri: 'https://log.example' }, { license_key: 's3cret' }],
  [
    'azure_log_analytics',
    { customer_id: '0a1b2c3d-0000-4000-8000-000000000001', log_type: 'ward' },
    { shared_key: 'czNjcmV0' },
  ],
  ['otlp', { endpoint: 'https://log.example' }, { headers: { key: 's3cret' } }],
  ['syslog', { host: 'log.example', port: 6514 }, {}],
])('they can go to %s, and no answer shows a secret', async (name, shown, secrets) => {
  const answer = await put({ [name]: { ...shown, ...secrets } });
  expect(answer).toMatchObject({ status: 200, body: { [name]: shown } });
  const read = await api.call('GET', `${root}/guest/logForwarding`);
  for (const { text } of [answer, read]) expect(JSON.parse(text)).toEqual({ [name]: shown });
  expect((await api.call('GET', `${root}/guest/logForwarding/errors`)).body).toMatchObject({
    destination: name,
  });
  expect(await put(here)).toMatchObject({ status: 200, body: here });
});

test('a wrong destination is refused', async () => {
  for (const body of [
    {},
    [],
    { elsewhere: {} },
    { ...here, splunk_hec: {} },
    { splunk_hec: { hec_token: 's3cret' } },
  ]) {
    const { status, headers, text } = await put(body);
    expect([status, headers['x-ward-fault']]).toEqual([400, 'DESTINATION_INVALID']);
    expect(text).not.toContain('s3cret');
  }
});

test('a destination that the operator does not allow is refused', async () => {
  const answer = await put({ syslog: { host: '169.254.169.254', port: 80, protocol: 'tcp' } });
  expect([answer.status, answer.headers['x-ward-fault']]).toEqual([403, 'EGRESS_EXCEEDED']);
});

test('another namespace’s are not shown, and other methods are refused', async () => {
  expect((await api.call('GET', `${root}/other/logForwarding`)).status).toBe(403);
  expect((await put(here, 'other')).status).toBe(403);
  expect((await api.call('GET', `${root}/other/logForwarding/errors`)).status).toBe(403);
  expect((await api.call('POST', `${root}/guest/logForwarding`, { body: {} })).status).toBe(405);
});
