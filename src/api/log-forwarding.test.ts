import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { acceptJson } from './body.ts';
import { errorHandler } from './errors.ts';
import { guestOf } from './identity.fixture.ts';
import { addLogForwarding } from './resources/log-forwarding.ts';

/** A server with only this resource, where every caller is `guest`. */
async function ask(method: 'GET' | 'PUT' | 'POST', path: string, payload?: object) {
  const app = fastify({ exposeHeadRoutes: false });
  acceptJson(app);
  app.setErrorHandler(errorHandler(silentLog));
  app.register(
    async (scope) => {
      scope.decorateRequest('identity', undefined);
      scope.addHook('onRequest', async (request) => {
        request.identity = guestOf('full');
      });
      addLogForwarding(scope);
    },
    { prefix: '/runtime' },
  );
  const url = `/runtime/namespaces/${path}`;
  const answer = await app.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
  await app.close();
  return { status: answer.statusCode, body: answer.json() };
}

test('logs are where Adobe’s tools look for them', async () => {
  for (const path of ['guest/logForwarding', 'guest/logForwarding/', '_/logForwarding']) {
    expect(await ask('GET', path)).toEqual({ status: 200, body: { adobe_io_runtime: {} } });
  }
});

test('forwarding has no errors', async () => {
  const body = { destination: 'adobe_io_runtime', errors: [] };
  expect(await ask('GET', 'guest/logForwarding/errors')).toEqual({ status: 200, body });
});

test('they can be kept there', async () => {
  const answer = await ask('PUT', 'guest/logForwarding', { adobe_io_runtime: {} });
  expect(answer).toEqual({ status: 200, body: { adobe_io_runtime: {} } });
});

test.each(['azure_log_analytics', 'splunk_hec', 'new_relic'])('they are not sent to %s', async (name) => {
  const answer = await ask('PUT', 'guest/logForwarding', { [name]: { hec_token: 's3cret' } });
  expect(answer).toMatchObject({
    status: 400,
    body: { error: expect.stringMatching(`^This platform does not forward logs, so '${name}' can't be set`) },
  });
  expect(JSON.stringify(answer)).not.toContain('s3cret');
});

test.each([[{}], [[]], [{ elsewhere: {} }], [{ adobe_io_runtime: {}, splunk_hec: {} }]])(
  '%j is no destination',
  async (payload) => {
    expect(await ask('PUT', 'guest/logForwarding', payload)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('exactly one destination expected') },
    });
  },
);

test('another namespace’s are not shown, and other methods are refused', async () => {
  expect((await ask('GET', 'other/logForwarding')).status).toBe(403);
  expect((await ask('PUT', 'other/logForwarding', { adobe_io_runtime: {} })).status).toBe(403);
  expect((await ask('GET', 'other/logForwarding/errors')).status).toBe(403);
  expect((await ask('POST', 'guest/logForwarding', {})).status).toBe(405);
});
