import { describe, expect, test } from 'vitest';
import { basic, hello, startApi, type TestApi } from './api.fixture.ts';

async function startWithTrigger(): Promise<TestApi> {
  const api = await startApi();
  await api.call('PUT', 'triggers/t', { body: {} });
  await api.call('PUT', 'actions/a', { body: hello });
  return api;
}

const linked = { trigger: '/_/t', action: '/_/a' };

test('an incomplete version is completed, for every kind of entity', async () => {
  await using api = await startWithTrigger();
  for (const [path, body] of [
    ['packages/p', {}],
    ['actions/b', hello],
    ['triggers/u', {}],
    ['rules/r', linked],
  ] as const) {
    const put = (query: string, version: string) =>
      api.call('PUT', `${path}${query}`, { body: { ...body, version } });
    expect((await put('', '1')).body, path).toMatchObject({ version: '1.0.0' });
    expect((await put('?overwrite=true', '1.2')).body, path).toMatchObject({ version: '1.2.0' });
    expect(await put('?overwrite=true', '0.0'), path).toMatchObject({ status: 400 });
  }
});

test('packages, triggers and rules are changed and deleted only at the revision of their ETag', async () => {
  await using api = await startWithTrigger();
  for (const [path, body] of [
    ['packages/p', {}],
    ['triggers/u', {}],
    ['rules/r', linked],
  ] as const) {
    const ask = (method: 'PUT' | 'DELETE' | 'POST', tag: string, sent: object | undefined = body) =>
      api.call(method, `${path}?overwrite=true`, {
        ...(method === 'DELETE' ? {} : { body: sent }),
        headers: { 'if-match': tag },
      });
    // There is nothing yet that could have it.
    for (const tag of ['*', `"${'0'.repeat(32)}"`]) expect((await ask('PUT', tag)).status, path).toBe(412);
    const made = await api.call('PUT', path, { body });
    expect(made.body).not.toHaveProperty('revision');
    const first = String(made.headers['etag']);
    expect((await api.call('GET', path)).headers['etag'], path).toBe(first);
    const changed = await ask('PUT', first);
    expect(changed.status, path).toBe(200);
    let last = String(changed.headers['etag']);
    for (const method of ['PUT', 'DELETE'] as const)
      expect(await ask(method, first), path).toMatchObject({
        ...{ status: 412, headers: { 'x-ward-fault': 'ENTITY_CHANGED' } },
      });
    if (path === 'rules/r') {
      expect((await ask('POST', first, { status: 'inactive' })).status).toBe(412);
      last = String((await ask('POST', last, { status: 'inactive' })).headers['etag']);
    }
    const read = await api.call('GET', path);
    expect(read.headers['etag'], path).toBe(last);
    expect((await ask('DELETE', last)).status, path).toBe(200);
    expect((await api.call('GET', path)).status, path).toBe(404);
  }
});

describe('/rules', () => {
  test('create, read, change, list, delete', async () => {
    await using api = await startWithTrigger();
    const created = await api.call('PUT', 'rules/r', { body: { ...linked, name: 'r', status: '' } });
    expect(created).toMatchObject({
      status: 200,
      body: {
        namespace: 'guest',
        name: 'r',
        status: 'active',
        trigger: { path: 'guest', name: 't' },
        action: { path: 'guest', name: 'a' },
      },
    });
    expect(await api.call('PUT', 'rules/r', { body: linked })).toMatchObject({ status: 409 });
    expect(await api.call('PUT', 'rules/r?overwrite=true', { body: {} })).toMatchObject({
      status: 200,
      body: { version: '0.0.2', status: 'active' },
    });
    expect(await api.call('GET', 'rules/r')).toMatchObject({ status: 200, body: { status: 'active' } });
    expect(await api.call('GET', 'rules')).toMatchObject({
      status: 200,
      body: [{ name: 'r', action: { name: 'a' } }],
    });
    expect(await api.call('GET', 'rules?count=true')).toMatchObject({ body: { rules: 1 } });
    expect(await api.call('GET', 'triggers/t')).toMatchObject({
      body: { rules: { 'guest/r': { action: { path: 'guest', name: 'a' }, status: 'active' } } },
    });
    expect(await api.call('DELETE', 'rules/r')).toMatchObject({ status: 200, body: { status: 'inactive' } });
    expect(await api.call('GET', 'rules/r')).toMatchObject({ status: 404 });
  });

  test('enable and disable', async () => {
    await using api = await startWithTrigger();
    await api.call('PUT', 'rules/r', { body: linked });
    for (const status of ['inactive', 'inactive', 'active']) {
      const body = { name: 'r', status, trigger: null, action: null };
      expect(await api.call('POST', 'rules/r', { body })).toMatchObject({ status: 200 });
      expect(await api.call('GET', 'rules/r')).toMatchObject({ body: { status } });
    }
    expect(await api.call('POST', 'rules/r', { body: { status: 'xxx' } })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("'xxx' is not a recognized rule state") },
    });
    expect(await api.call('POST', 'rules/r')).toMatchObject({ status: 400 });
    await api.call('DELETE', 'triggers/t');
    expect(await api.call('GET', 'rules/r')).toMatchObject({ body: { status: 'inactive' } });
    expect(await api.call('POST', 'rules/r', { body: { status: 'active' } })).toMatchObject({
      status: 404,
      body: { error: 'Only rules with existing triggers can be activated' },
    });
  });

  test('an action of a binding is found through it', async () => {
    await using api = await startWithTrigger();
    await api.call('PUT', 'packages/p', { body: {} });
    await api.call('PUT', 'actions/p/b', { body: hello });
    await api.call('PUT', 'packages/bound', { body: { binding: { namespace: '_', name: 'p' } } });
    const body = { trigger: '/_/t', action: '/_/bound/b' };
    expect(await api.call('PUT', 'rules/r', { body })).toMatchObject({
      status: 200,
      body: { action: { path: 'guest/bound', name: 'b' } },
    });
    expect(await api.call('POST', 'triggers/t', { body: {} })).toMatchObject({ status: 202 });
    await expect.poll(() => api.jobs).toMatchObject([{ action: '/guest/p/b' }]);
  });

  test('an action in another namespace’s shared package can be linked', async () => {
    await using api = await startWithTrigger();
    await api.call('PUT', 'packages/p', { body: { publish: true } });
    await api.call('PUT', 'actions/p/b', { body: hello });
    const headers = { authorization: basic(await api.functions.namespaces.create('other')) };
    const mine = '/api/v1/namespaces/_';
    await api.call('PUT', `${mine}/triggers/u`, { headers, body: {} });
    const body = { trigger: '/_/u', action: '/guest/p/b' };
    expect(await api.call('PUT', `${mine}/rules/r`, { headers, body })).toMatchObject({ status: 200 });
    expect(
      await api.call('PUT', `${mine}/rules/q`, { headers, body: { ...body, action: '/guest/a' } }),
    ).toMatchObject({
      status: 403,
      body: { error: expect.stringContaining("'guest/a'") },
    });
    expect(await api.call('POST', `${mine}/triggers/u`, { headers, body: {} })).toMatchObject({
      status: 202,
    });
    await expect.poll(() => api.jobs).toMatchObject([{ namespace: 'other', action: '/guest/p/b' }]);
  });

  test.each([
    [400, { ...linked, trigger: '/_/none' }, 'trigger /guest/none does not exist'],
    [400, { ...linked, action: '/_/none' }, 'action /guest/none does not exist'],
    [400, { ...linked, action: '/_/none/a' }, 'action /guest/none/a does not exist'],
    [400, { ...linked, action: '/_/t' }, 'action /guest/t does not exist'],
    [400, {}, 'rule requires a valid trigger and a valid action'],
    [400, { ...linked, trigger: 't' }, 'must contain at least the namespace and the name'],
    [400, { ...linked, action: '/_/действие' }, 'illegal characters'],
    [403, { ...linked, trigger: '/other/t' }, "not authorized to access 'other/t'"],
    [403, { ...linked, action: '/other/p/a' }, 'not authorized to access'],
    [400, { ...linked, annotations: [{ key: 'retry', value: { attempts: 99 } }] }, 'from 1 to 10'],
  ])('PUT answers %i for %j', async (status, body, error) => {
    await using api = await startWithTrigger();
    expect(await api.call('PUT', 'rules/r', { body })).toMatchObject({
      status,
      body: { error: expect.stringContaining(error) },
    });
    expect(await api.call('GET', 'rules/r')).toMatchObject({ status: 404 });
  });

  test('names belong to one kind of entity', async () => {
    await using api = await startWithTrigger();
    expect(await api.call('PUT', 'rules/t?overwrite=true', { body: linked })).toMatchObject({
      status: 409,
      body: { error: 'Resource by this name exists but is not in this collection.' },
    });
    expect(await api.call('GET', 'rules/a')).toMatchObject({ status: 409 });
    expect(await api.call('GET', 'rules/none/x')).toMatchObject({ status: 404 });
  });
});
