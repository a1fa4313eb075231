import { describe, expect, test } from 'vitest';
import { basic, hello, startApi, type TestApi } from './api.fixture.ts';

/** The authorization of a further namespace. */
async function another(api: TestApi, name = 'other') {
  return { authorization: basic(await api.functions.namespaces.create(name)) };
}

describe('/packages', () => {
  test('create, read, change, list, delete', async () => {
    await using api = await startApi();
    const created = await api.call('PUT', 'packages/p', { body: { parameters: [{ key: 'a', value: 1 }] } });
    expect(created).toMatchObject({ status: 200, body: { namespace: 'guest', name: 'p', binding: {} } });
    expect(await api.call('PUT', 'packages/p', { body: {} })).toMatchObject({
      status: 409,
      body: { error: 'resource already exists', code: expect.any(String) },
    });
    const changed = await api.call('PUT', 'packages/p?overwrite=true', { body: { publish: true } });
    expect(changed).toMatchObject({ status: 200, body: { version: '0.0.2', publish: true } });
    expect(await api.call('GET', 'packages/p')).toMatchObject({
      status: 200,
      body: { parameters: [{ key: 'a', value: 1 }], actions: [], feeds: [] },
    });
    expect(await api.call('GET', 'packages?public=true')).toMatchObject({
      status: 200,
      body: [{ name: 'p', binding: false }],
    });
    expect(await api.call('GET', 'packages?count=true')).toMatchObject({ body: { packages: 1 } });
    expect(await api.call('GET', 'packages/?count=true&skip=5')).toMatchObject({ body: { packages: 0 } });
    expect(await api.call('DELETE', 'packages/p')).toMatchObject({ status: 200, body: { name: 'p' } });
    // OpenWhisk's text names the entity only for a read.
    expect(await api.call('GET', 'packages/p')).toMatchObject({
      status: 404,
      body: { error: "The requested resource 'guest/p' does not exist." },
    });
    expect(await api.call('DELETE', 'packages/p')).toMatchObject({
      status: 404,
      body: { error: 'The requested resource does not exist.' },
    });
  });

  test('a package with actions is deleted only with force', async () => {
    await using api = await startApi();
    await api.call('PUT', 'packages/p', { body: {} });
    await api.call('PUT', 'actions/p/a', { body: hello });
    expect(await api.call('DELETE', 'packages/p')).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('(contains 1 entity). Set force param') },
    });
    expect(await api.call('DELETE', 'packages/p?force=perhaps')).toMatchObject({ status: 400 });
    expect(await api.call('DELETE', 'packages/p?force=true')).toMatchObject({ status: 200 });
    expect(await api.call('GET', 'actions/p/a')).toMatchObject({ status: 404 });
  });

  test.each([
    [400, 'packages/default', {}, "Package name 'default' is reserved."],
    [400, 'packages/%D0%BF%D0%B0%D0%BA', {}, 'illegal characters'],
    [400, `packages/${'x'.repeat(257)}`, {}, 'Name segement longer than allowed: 257 > 256.'],
    [400, 'packages/p', { binding: { namespace: '_', name: 'none' } }, 'a package that does not exist'],
    [403, 'packages/p', { binding: { namespace: 'other', name: 'none' } }, "access 'other/none'"],
    [
      409,
      'packages/p',
      { binding: { namespace: '_', name: 'act' } },
      'Cannot bind to a resource that is not',
    ],
    [
      413,
      'packages/p',
      { parameters: [{ key: 'a', value: 'x'.repeat(1_048_576) }] },
      'parameters larger than allowed',
    ],
    [404, '/api/v1/namespaces/_%2Fq/packages/p', {}, 'does not exist'],
    [403, '/api/v1/namespaces/other/packages/p', {}, "not authorized to access 'other/p'"],
    [400, 'packages/p', undefined, 'Request entity expected'],
  ])('PUT answers %i for %s', async (status, path, body, error) => {
    await using api = await startApi();
    await api.call('PUT', 'actions/act', { body: hello });
    expect(await api.call('PUT', path, { body })).toMatchObject({
      status,
      body: { error: expect.stringContaining(error) },
    });
  });

  test('other methods and paths are refused', async () => {
    await using api = await startApi();
    await api.call('PUT', 'packages/p', { body: {} });
    expect(await api.call('POST', 'packages/p', { body: {} })).toMatchObject({ status: 405 });
    expect(await api.call('PUT', 'packages', { body: {} })).toMatchObject({ status: 405 });
    expect(await api.call('GET', 'packages/p/q')).toMatchObject({ status: 404 });
  });

  test.each([
    ['limit=201', "The value '201' is not in the range of 0 to 200 for packages."],
    ['limit=string', "The value 'string' is not an integer for packages."],
    ['skip=-1', "The value '-1' is not greater than or equal to 0 for packages."],
  ])('a list with %s is refused', async (query, error) => {
    await using api = await startApi();
    expect(await api.call('GET', `packages?${query}`)).toMatchObject({ status: 400, body: { error } });
  });

  test('other namespaces see, bind and read shared packages, and never learn of others', async () => {
    await using api = await startApi();
    const headers = await another(api);
    const secret = [{ key: 'password', value: 'opensesame' }];
    await api.call('PUT', 'packages/shared', { body: { publish: true, parameters: secret } });
    await api.call('PUT', 'packages/private', { body: {} });
    const root = '/api/v1/namespaces/guest/packages';
    expect(await api.call('GET', root, { headers })).toMatchObject({
      status: 200,
      body: [{ name: 'shared' }],
    });
    expect(await api.call('GET', `${root}?count=true`, { headers })).toMatchObject({ body: { packages: 1 } });
    const shown = await api.call('GET', `${root}/shared`, { headers });
    expect(shown).toMatchObject({ status: 200, body: { parameters: [{ key: 'password', value: null }] } });
    for (const name of ['private', 'none']) {
      expect(await api.call('GET', `${root}/${name}`, { headers })).toMatchObject({
        status: 403,
        body: { error: `The supplied authentication is not authorized to access 'guest/${name}'.` },
      });
    }
    for (const method of ['PUT', 'DELETE'] as const) {
      const options = method === 'PUT' ? { headers, body: {} } : { headers };
      expect(await api.call(method, `${root}/shared?overwrite=true`, options)).toMatchObject({ status: 403 });
    }
    const mine = '/api/v1/namespaces/_/packages/bound';
    const body = { binding: { namespace: 'guest', name: 'shared' } };
    const bound = await api.call('PUT', mine, { headers, body });
    expect(bound).toMatchObject({ status: 200, body: { namespace: 'other', binding: body.binding } });
    expect((await api.call('GET', mine, { headers })).text).not.toContain('opensesame');
    expect(await api.call('GET', '/api/v1/namespaces/nobody/packages', { headers })).toMatchObject({
      status: 200,
      body: [],
    });
  });
});
