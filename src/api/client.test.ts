/** The npm client `openwhisk`, as people use it, against a listening server. */
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { completion, hello, startApi, type TestApi } from './api.fixture.ts';

type Call = (options?: object) => Promise<unknown>;
interface Client {
  readonly actions: Record<'list' | 'get' | 'create' | 'update' | 'delete' | 'invoke', Call>;
  readonly activations: Record<'list' | 'get' | 'logs' | 'result', Call>;
  readonly namespaces: Record<'list' | 'get', Call>;
}

const openwhisk: (options: object) => Client = createRequire(import.meta.url)('openwhisk');

async function withClient(): Promise<TestApi & { apihost: string; client: Client }> {
  const api = await startApi();
  const apihost = await api.app.listen({ host: '127.0.0.1', port: 0 });
  return Object.assign(api, { apihost, client: openwhisk({ apihost, api_key: api.key }) });
}

const action = hello.exec.code;

test('namespaces', async () => {
  await using api = await withClient();
  expect(await api.client.namespaces.list()).toEqual(['guest']);
});

describe('actions', () => {
  test('are created, read, changed, listed and deleted', async () => {
    await using api = await withClient();
    const { actions } = api.client;
    const created = await actions.create({ name: 'a', action, params: { x: 1 }, annotations: { y: 2 } });
    expect(created).toMatchObject({
      name: 'a',
      version: '0.0.1',
      exec: { kind: 'nodejs:24', code: action },
      parameters: [{ key: 'x', value: 1 }],
      annotations: expect.arrayContaining([{ key: 'y', value: 2 }]),
    });
    expect(await actions.get({ name: 'a' })).toEqual(created);
    expect(await actions.update({ name: 'a', action: 'other', kind: 'nodejs:22' })).toMatchObject({
      version: '0.0.2',
      exec: { kind: 'nodejs:22', code: 'other' },
    });
    expect(await actions.list({ limit: 10 })).toMatchObject([{ name: 'a', exec: { binary: false } }]);
    expect(await actions.list({ count: true })).toEqual({ actions: 1 });
    expect(await actions.delete({ name: 'a' })).toMatchObject({ name: 'a' });
    expect(await actions.list()).toEqual([]);
  });

  test('that exist or do not exist are errors', async () => {
    await using api = await withClient();
    const { actions } = api.client;
    await actions.create({ name: 'a', action });
    await expect(actions.create({ name: 'a', action })).rejects.toMatchObject({
      statusCode: 409,
      message: expect.stringContaining('resource already exists'),
    });
    await expect(actions.get({ name: 'b' })).rejects.toMatchObject({
      statusCode: 404,
      message: expect.stringContaining('The requested resource does not exist.'),
    });
  });

  test('are invoked', async () => {
    await using api = await withClient();
    const { actions, activations } = api.client;
    await actions.create({ name: 'a', action });
    const params = { name: 'World' };
    expect(await actions.invoke({ name: 'a', params, blocking: true, result: true })).toEqual(params);
    expect(await actions.invoke({ name: 'a', params, blocking: true })).toMatchObject({
      response: { status: 'success', success: true, result: params },
    });
    const { activationId } = z
      .object({ activationId: z.string() })
      .parse(await actions.invoke({ name: 'a' }));
    await expect
      .poll(() => activations.get({ name: activationId }).catch(() => 'not yet'))
      .toMatchObject({
        activationId,
      });
  });

  test('that fail reject with their result', async () => {
    await using api = await withClient();
    api.script = () => completion({ error: 'broken' }, { status: 'application error' });
    await api.client.actions.create({ name: 'a', action });
    await expect(api.client.actions.invoke({ name: 'a', blocking: true })).rejects.toMatchObject({
      statusCode: 502,
      message: expect.stringContaining('broken'),
    });
  });
});

test('activations are listed and read', async () => {
  await using api = await withClient();
  const { actions, activations } = api.client;
  api.script = () => completion({ x: 1 }, { log: Promise.resolve(['a line']) });
  await actions.create({ name: 'a', action });
  const { activationId } = z
    .object({ activationId: z.string() })
    .parse(await actions.invoke({ name: 'a', blocking: true }));
  expect(await activations.list({ name: 'a', limit: 5 })).toMatchObject([{ activationId, statusCode: 0 }]);
  expect(await activations.get({ name: activationId })).toMatchObject({ logs: ['a line'] });
  expect(await activations.result({ name: activationId })).toMatchObject({ result: { x: 1 } });
  expect(await activations.logs({ name: activationId })).toEqual({ logs: ['a line'] });
});

test('a wrong key is refused', async () => {
  await using api = await withClient();
  const stranger = openwhisk({
    apihost: api.apihost,
    api_key: `${crypto.randomUUID()}:${'x'.repeat(64)}`,
  });
  await expect(stranger.actions.list()).rejects.toMatchObject({ statusCode: 401 });
});
