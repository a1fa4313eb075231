import { describe, expect, it } from 'vitest';
import {
  callerOf,
  descriptorOf,
  guestKey,
  imageOf,
  manifestOf,
  otherKey,
  startRegistry,
  type TestRegistry,
} from './registry.fixture.ts';

const readerKey = 'reader-id:secret';
const systemKey = 'system-id:secret';

async function started(options: Parameters<typeof startRegistry>[0] = {}): Promise<TestRegistry> {
  const registry = await startRegistry(options);
  registry.callers.set(readerKey, callerOf('guest', ['pull']));
  return registry;
}

/** A token, requested like a client: through the challenge of a refused request. */
async function tokenFor(registry: TestRegistry, scope: string, key: string | null = guestKey) {
  const answer = await registry.call('GET', `/v2/token?service=ward&scope=${scope}`, { key });
  return { ...answer.body, status: answer.status } as { token: string; expires_in: number; status: number };
}

const bearer = (token: string) => ({ key: null, headers: { authorization: `Bearer ${token}` } });

describe('without a key', () => {
  it.each([
    ['GET', '/v2/', undefined],
    ['GET', '/v2/_catalog', 'registry:catalog:*'],
    ['GET', '/v2/guest/app/manifests/v1', 'repository:guest/app:pull'],
    ['GET', '/v2/guest/app/tags/list', 'repository:guest/app:pull'],
    ['POST', '/v2/guest/app/blobs/uploads/', 'repository:guest/app:pull,push'],
    ['DELETE', '/v2/guest/app/manifests/v1', 'repository:guest/app:pull,push'],
    ['GET', '/v2/whisk.system/base/manifests/v1', 'repository:whisk.system/base:pull'],
  ])('%s %s answers where to get a token', async (method, path, scope) => {
    await using registry = await started();
    const answer = await registry.call(method, path, { key: null });
    expect(answer).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
    const expected = [`Bearer realm="${registry.url}/v2/token"`, 'service="ward"'];
    if (scope !== undefined) expected.push(`scope="${scope}"`);
    expect(answer.headers.get('www-authenticate')).toBe(expected.join(','));
  });

  it('asks for the key itself if the public URL is unknown', async () => {
    await using registry = await started({ publicUrl: () => undefined });
    const answer = await registry.call('GET', '/v2/guest/app/manifests/v1', { key: null });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="ward"');
    expect((await registry.call('GET', '/v2/')).status).toBe(200);
  });

  it('does not read a body', async () => {
    await using registry = await started();
    const answer = await registry.call('POST', '/v2/guest/app/blobs/uploads/?digest=x', {
      key: null,
      body: Buffer.alloc(5_000_000),
    });
    expect(answer.status).toBe(401);
    expect((await registry.call('GET', '/v2/')).status).toBe(200);
  });

  it('uses the operator’s realm', async () => {
    await using registry = await started({ publicUrl: () => 'https://registry.test' });
    const answer = await registry.call('GET', '/v2/', { key: null });
    expect(answer.headers.get('www-authenticate')).toContain('realm="https://registry.test/v2/token"');
  });
});

describe('a key', () => {
  it('gives access to the repositories of its namespace, and no others', async () => {
    await using registry = await started();
    await registry.pushImage('guest/app', 'v1');
    for (const [method, path] of [
      ['GET', '/v2/guest/app/manifests/v1'],
      ['GET', '/v2/guest/app/tags/list'],
      ['POST', '/v2/guest/app/blobs/uploads/'],
      ['PUT', '/v2/guest/app/manifests/v2'],
      ['DELETE', '/v2/guest/app/manifests/v1'],
      ['GET', '/v2/guest/nothing/manifests/v1'],
    ] as const) {
      expect(await registry.call(method, path, { key: otherKey })).toMatchObject({
        status: 403,
        code: 'DENIED',
      });
    }
    expect((await registry.call('GET', '/v2/guestbook/app/manifests/v1')).status).toBe(403);
    expect((await registry.call('GET', '/v2/guest/app/manifests/v1')).status).toBe(200);
  });

  it('that can only read pulls, and does not push or delete', async () => {
    await using registry = await started();
    await registry.pushImage('guest/app', 'v1');
    const call = (method: string, path: string) => registry.call(method, path, { key: readerKey });
    expect((await call('GET', '/v2/guest/app/manifests/v1')).status).toBe(200);
    expect(await call('POST', '/v2/guest/app/blobs/uploads/')).toMatchObject({ status: 403, code: 'DENIED' });
    expect((await call('DELETE', '/v2/guest/app/manifests/v1')).status).toBe(403);
  });

  it('that Ward does not know gives no access', async () => {
    await using registry = await started();
    const answer = await registry.call('GET', '/v2/', { key: 'no:key' });
    expect(answer).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
    expect((await registry.call('GET', '/v2/token', { key: 'no:key' })).status).toBe(401);
  });

  it('does not mount what it cannot pull', async () => {
    await using registry = await started();
    const digest = await registry.pushBlob('guest/secret', Buffer.from('secret'));
    for (const query of [`mount=${digest}&from=guest/secret`, `mount=${digest}`]) {
      const answer = await registry.call('POST', `/v2/other/app/blobs/uploads/?${query}`, { key: otherKey });
      expect(answer.status).toBe(202);
    }
    expect((await registry.call('HEAD', `/v2/other/app/blobs/${digest}`, { key: otherKey })).status).toBe(
      404,
    );
    const manifest = manifestOf({ config: descriptorOf(Buffer.from('secret'), 'x/y'), layers: [] });
    const put = await registry.call('PUT', '/v2/other/app/manifests/v1', {
      key: otherKey,
      body: manifest.bytes,
    });
    expect(put).toMatchObject({ status: 400, code: 'MANIFEST_BLOB_UNKNOWN' });
  });

  it('lists the repositories of its namespace, and the public ones, in pages', async () => {
    await using registry = await started();
    const image = imageOf([]);
    const push = async (repository: string, key: string) => {
      for (const blob of image.blobs) {
        const begun = await registry.call('POST', `/v2/${repository}/blobs/uploads/`, { key });
        const digest = descriptorOf(blob, '').digest;
        await registry.call('PUT', `${begun.headers.get('location')}?digest=${digest}`, { key, body: blob });
      }
      const { bytes, mediaType } = image;
      const headers = { 'content-type': mediaType };
      await registry.call('PUT', `/v2/${repository}/manifests/v1`, { key, body: bytes, headers });
    };
    for (const name of ['b', 'a/deep/one', 'c']) await push(`guest/${name}`, guestKey);
    await push('other/hidden', otherKey);
    await push('whisk.system/base', systemKey);
    const list = async (query: string, key: string) => registry.call('GET', `/v2/_catalog${query}`, { key });
    const all = ['guest/a/deep/one', 'guest/b', 'guest/c', 'whisk.system/base'];
    expect((await list('', guestKey)).body).toEqual({ repositories: all });
    const page = await list('?n=3', guestKey);
    expect(page.body.repositories).toEqual(all.slice(0, 3));
    expect(page.headers.get('link')).toBe('</v2/_catalog?n=3&last=guest%2Fc>; rel="next"');
    expect((await list('?n=3&last=guest%2Fc', guestKey)).body.repositories).toEqual(all.slice(3));
    expect((await list('', otherKey)).body.repositories).toEqual(['other/hidden', 'whisk.system/base']);
  });

  it('pulls from public repositories, but pushes only as their owner', async () => {
    await using registry = await started();
    const call = (method: string, path: string, key: string) => registry.call(method, path, { key });
    expect((await call('GET', '/v2/whisk.system/base/manifests/v1', guestKey)).status).toBe(404);
    expect((await call('POST', '/v2/whisk.system/base/blobs/uploads/', guestKey)).status).toBe(403);
    expect((await call('POST', '/v2/whisk.system/base/blobs/uploads/', systemKey)).status).toBe(202);
  });

  it('of a recreated namespace finds nothing of the old one', async () => {
    await using registry = await started();
    await registry.pushImage('guest/app', 'v1');
    registry.callers.set(guestKey, { ...callerOf('guest'), createdAt: Date.now() + 1000 });
    expect((await registry.call('GET', '/v2/guest/app/manifests/v1')).status).toBe(404);
    expect((await registry.call('GET', '/v2/_catalog')).body.repositories).toEqual([]);
    expect(await registry.store.usage('guest')).toBe(0);
  });
});

describe('a token', () => {
  it('gives the requested access, and names the missing scope', async () => {
    await using registry = await started();
    await registry.pushImage('guest/app', 'v1');
    const { token, expires_in } = await tokenFor(registry, 'repository:guest/app:pull');
    expect(expires_in).toBe(300);
    const pulled = await registry.call('GET', '/v2/guest/app/manifests/v1', bearer(token));
    expect(pulled.status).toBe(200);
    expect((await registry.call('GET', '/v2/', bearer(token))).status).toBe(200);
    for (const path of ['/v2/guest/app/blobs/uploads/', '/v2/guest/second/blobs/uploads/']) {
      const refused = await registry.call('POST', path, bearer(token));
      expect(refused).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
      const repository = path.slice('/v2/'.length, -'/blobs/uploads/'.length);
      expect(refused.headers.get('www-authenticate')).toContain(
        `scope="repository:${repository}:pull,push",error="insufficient_scope"`,
      );
    }
    expect((await registry.call('GET', '/v2/_catalog', bearer(token))).status).toBe(401);
  });

  it('covers several scopes at once, as mounting and deleting need', async () => {
    await using registry = await started();
    const { config } = JSON.parse((await registry.pushImage('guest/from', 'v1')).bytes.toString());
    const { digest } = config;
    const scopes = 'repository:guest/from:pull&scope=repository:guest/to:pull,push';
    const { token } = await tokenFor(registry, scopes);
    const mount = `/v2/guest/to/blobs/uploads/?mount=${digest}&from=guest/from`;
    expect((await registry.call('POST', mount, bearer(token))).status).toBe(201);
    const all = await tokenFor(registry, 'repository:guest/to:* registry:catalog:*');
    expect((await registry.call('DELETE', `/v2/guest/to/blobs/${digest}`, bearer(all.token))).status).toBe(
      202,
    );
    expect((await registry.call('GET', '/v2/_catalog', bearer(all.token))).status).toBe(200);
  });

  it('is denied without a challenge when another token would not help', async () => {
    await using registry = await started();
    const { token } = await tokenFor(registry, 'repository:guest/app:pull,push', readerKey);
    const denied = await registry.call('POST', '/v2/guest/app/blobs/uploads/', bearer(token));
    expect(denied).toMatchObject({ status: 403, code: 'DENIED' });
    const foreign = await registry.call('GET', '/v2/other/app/manifests/v1', bearer(token));
    expect(foreign).toMatchObject({ status: 403, code: 'DENIED' });
  });

  it('expires, and cannot be forged', async () => {
    let at = 1_000_000_000_000;
    await using registry = await started({ now: () => at });
    const { token } = await tokenFor(registry, 'repository:guest/app:pull');
    const path = '/v2/guest/app/blobs/uploads/';
    const [header = '', body = '', signature = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    claims.access[0].actions = ['pull', 'push'];
    const forged = [
      `${header}.${encode(claims)}.${signature}`,
      `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`,
      `${header}.${body}`,
      `${header}.${body}.`,
      'x',
    ];
    for (const each of forged) {
      expect(await registry.call('POST', path, bearer(each))).toMatchObject({ status: 401 });
    }
    expect((await registry.call('GET', '/v2/', bearer(token))).status).toBe(200);
    at += 301_000;
    expect((await registry.call('GET', '/v2/', bearer(token))).status).toBe(401);
  });

  it.each([
    ['key was revoked', undefined],
    ['namespace was deleted and created again', { ...callerOf('guest'), createdAt: 2000 }],
  ])('is refused when its %s', async (_title, now) => {
    await using registry = await started();
    await registry.pushImage('guest/app', 'v1');
    const { token } = await tokenFor(registry, 'repository:guest/app:pull');
    const pull = () => registry.call('GET', '/v2/guest/app/manifests/v1', bearer(token));
    expect((await pull()).status).toBe(200);
    registry.callers.delete(guestKey);
    registry.callers.delete(readerKey);
    if (now !== undefined) registry.callers.set(guestKey, now);
    expect(await pull()).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
  });

  it('of another process is not valid', async () => {
    await using first = await started();
    await using second = await started();
    const { token } = await tokenFor(first, 'repository:guest/app:pull');
    expect((await second.call('GET', '/v2/', bearer(token))).status).toBe(401);
  });

  it('is not issued for a token', async () => {
    await using registry = await started();
    const { token } = await tokenFor(registry, 'repository:guest/app:pull');
    const answer = await registry.call('GET', '/v2/token?scope=repository:guest/app:push', bearer(token));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="ward"');
  });

  it('is issued for a form, too', async () => {
    await using registry = await started();
    const [username = '', password = ''] = guestKey.split(':');
    const form = (fields: Record<string, string>) =>
      registry.call('POST', '/v2/token', {
        key: null,
        body: new URLSearchParams({ service: 'ward', client_id: 'test', ...fields }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    const answer = await form({
      grant_type: 'password',
      username,
      password,
      scope: 'repository:guest/app:pull,push',
    });
    expect(answer.body).toMatchObject({ token_type: 'Bearer', scope: 'repository:guest/app:pull,push' });
    const begun = await registry.call(
      'POST',
      '/v2/guest/app/blobs/uploads/',
      bearer(answer.body.access_token),
    );
    expect(begun.status).toBe(202);
    expect((await form({ grant_type: 'password', username, password: 'wrong' })).status).toBe(401);
    expect((await form({ grant_type: 'refresh_token', refresh_token: 'x' })).status).toBe(401);
    expect((await form({ grant_type: 'password', username, password: 'x'.repeat(20_000) })).status).toBe(400);
  });

  it('is not issued for hundreds of scopes', async () => {
    await using registry = await started();
    const scopes = Array.from({ length: 33 }, (_, at) => `repository:guest/a${at}:pull`).join('+');
    expect((await tokenFor(registry, scopes)).status).toBe(400);
    expect((await tokenFor(registry, `repository:guest/${'a'.repeat(5000)}:pull`)).status).toBe(400);
    expect((await tokenFor(registry, 'nonsense repository:x:pull repository:a/../b:pull x:y:z')).status).toBe(
      200,
    );
  });
});

describe('with anonymous pulls', () => {
  it('public repositories are pulled without a key, with or without a token', async () => {
    await using registry = await started({ anonymousPull: true });
    const read = (headers: Record<string, string> = {}) =>
      registry.call('GET', '/v2/whisk.system/base/manifests/v1', { key: null, headers });
    expect((await read()).status).toBe(404);
    const scope = 'repository:whisk.system/base:pull,push';
    const { token } = await tokenFor(registry, scope, null);
    expect((await read({ authorization: `Bearer ${token}` })).status).toBe(404);
    const push = await registry.call('POST', '/v2/whisk.system/base/blobs/uploads/', bearer(token));
    expect(push.status).toBe(401);
    const own = await registry.call('GET', '/v2/guest/app/manifests/v1', bearer(token));
    expect(own.status).toBe(401);
    expect((await registry.call('GET', '/v2/', { key: null })).status).toBe(401);
  });

  it('without the option, they are not', async () => {
    await using registry = await started();
    expect((await tokenFor(registry, 'repository:whisk.system/base:pull', null)).status).toBe(401);
  });
});
