/** The endpoints in the order of the distribution-spec's own conformance tests. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import {
  descriptorOf,
  imageOf,
  indexOf,
  indexType,
  manifestOf,
  manifestType,
  otherKey,
  startRegistry,
  type TestRegistry,
} from './registry.fixture.ts';

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(() => registry[Symbol.asyncDispose]());

const call: TestRegistry['call'] = (...parameters) => registry.call(...parameters);
const noDigest = digestOf('what nobody pushed');

function sha512Of(bytes: Buffer): string {
  return `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
}

describe('the base', () => {
  it.each(['/v2/', '/v2'])('%s answers every caller with a key', async (path) => {
    const answer = await call('GET', path);
    expect(answer).toMatchObject({ status: 200, text: '{}' });
    expect(answer.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
    expect((await call('HEAD', path)).status).toBe(200);
  });

  it.each([
    ['GET', '/v2/nothing', 404],
    ['GET', '/v2/guest/app/nothing/x', 404],
    ['GET', '/v2/guest/app/tags/other', 404],
    ['PATCH', '/v2/', 405],
    ['PUT', '/v2/guest/app/tags/list', 405],
    ['POST', `/v2/guest/app/blobs/${noDigest}`, 405],
  ])('%s %s is %d', async (method, path, status) => {
    expect(await call(method, path)).toMatchObject({ status, code: 'UNSUPPORTED' });
  });

  it.each([
    '/v2/guest/App/manifests/v1',
    '/v2/guest/../other/app/manifests/v1',
    '/v2/guest/%2e%2e/other/manifests/v1',
    '/v2/guest%2f..%2fother/manifests/v1',
    '/v2/guest/a//b/manifests/v1',
    '/v2/guest/-a/manifests/v1',
    '/v2/guest/a___b/manifests/v1',
    '/v2/guest/a%00/manifests/v1',
    '/v2/guest/a%0d%0ax:y/manifests/v1',
    '/v2/guest/%ff/manifests/v1',
    '/v2/guest/__proto__/manifests/v1',
    '/v2/alone/manifests/v1',
    `/v2/guest/${'a'.repeat(250)}/manifests/v1`,
  ])('refuses the name in %s', async (path) => {
    const answer = await call('GET', path);
    expect([400, 403]).toContain(answer.status);
  });

  it('parses names from the end', async () => {
    const image = await registry.pushImage('guest/manifests/tags/blobs/uploads', 'list');
    expect(await call('GET', '/v2/guest/manifests/tags/blobs/uploads/tags/list')).toMatchObject({
      body: { name: 'guest/manifests/tags/blobs/uploads', tags: ['list'] },
    });
    const pulled = await call('GET', '/v2/guest/manifests/tags/blobs/uploads/manifests/list');
    expect(pulled.bytes).toEqual(image.bytes);
  });
});

describe('blobs', () => {
  it('are uploaded by POST and PUT', async () => {
    const bytes = randomBytes(100_000);
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    expect(begun.status).toBe(202);
    expect(begun.headers.get('range')).toBe('0-0');
    const location = begun.headers.get('location') ?? '';
    expect(location).toBe(`/v2/guest/app/blobs/uploads/${begun.headers.get('docker-upload-uuid')}`);
    const put = await call('PUT', `${location}?digest=${digestOf(bytes)}`, { body: bytes });
    expect(put.status).toBe(201);
    expect(put.headers.get('location')).toBe(`/v2/guest/app/blobs/${digestOf(bytes)}`);
    expect(put.headers.get('docker-content-digest')).toBe(digestOf(bytes));
    const got = await call('GET', put.headers.get('location') ?? '');
    expect(got).toMatchObject({ status: 200, bytes });
    expect(got.headers.get('content-type')).toBe('application/octet-stream');
    expect(got.headers.get('x-content-type-options')).toBe('nosniff');
    const head = await call('HEAD', put.headers.get('location') ?? '');
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe('100000');
  });

  it('are uploaded by one POST', async () => {
    const bytes = randomBytes(1000);
    const path = '/v2/guest/app/blobs/uploads';
    expect(await call('POST', `${path}?digest=${digestOf(bytes)}`, { body: bytes })).toMatchObject({
      status: 201,
    });
    expect(await call('POST', `${path}/?digest=${digestOf('other')}`, { body: bytes })).toMatchObject({
      status: 400,
      code: 'DIGEST_INVALID',
    });
    expect((await call('HEAD', `/v2/guest/app/blobs/${digestOf('other')}`)).status).toBe(404);
  });

  it('can be empty', async () => {
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    const put = await call('PUT', `${begun.headers.get('location')}?digest=${digestOf('')}`);
    expect(put.status).toBe(201);
    const got = await call('GET', `/v2/guest/app/blobs/${digestOf('')}`);
    expect([got.status, got.bytes.length]).toEqual([200, 0]);
  });

  it('are uploaded by a stream without a length', async () => {
    const bytes = randomBytes(700_000);
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    const patched = await call('PATCH', begun.headers.get('location') ?? '', {
      body: new Blob([bytes]).stream(),
    });
    expect([patched.status, patched.headers.get('range')]).toEqual([202, '0-699999']);
    const put = await call('PUT', `${patched.headers.get('location')}?digest=${digestOf(bytes)}`);
    expect(put.status).toBe(201);
    expect((await call('GET', `/v2/guest/app/blobs/${digestOf(bytes)}`)).bytes).toEqual(bytes);
  });

  it('are uploaded in chunks, the last one with the digest; a chunk out of order gets the right offset', async () => {
    const bytes = randomBytes(30);
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    const chunk = (method: string, range: string, query = '') => {
      const [first = 0, last = 0] = range.split('-').map(Number);
      const headers = { 'content-range': range };
      return call(method, location + query, { body: bytes.subarray(first, last + 1), headers });
    };
    const wrong = await chunk('PATCH', '10-19');
    expect(wrong).toMatchObject({ status: 416, code: 'BLOB_UPLOAD_INVALID' });
    expect(wrong.headers.get('range')).toBe('0-0');
    expect((await chunk('PATCH', '0-9')).headers.get('range')).toBe('0-9');
    const again = await chunk('PATCH', '0-9');
    expect(again.status).toBe(416);
    expect(again.headers.get('location')).toBe(location);
    const status = await call('GET', location);
    expect([status.status, status.headers.get('range'), status.headers.get('location')]).toEqual([
      204,
      '0-9',
      location,
    ]);
    expect((await chunk('PATCH', '10-19')).headers.get('range')).toBe('0-19');
    expect((await chunk('PUT', '21-29', `?digest=${digestOf(bytes)}`)).status).toBe(416);
    expect((await chunk('PUT', '20-29', `?digest=${digestOf(bytes)}`)).status).toBe(201);
    expect((await call('GET', `/v2/guest/app/blobs/${digestOf(bytes)}`)).bytes).toEqual(bytes);
    expect((await call('GET', location)).status).toBe(404);
  });

  it('are refused under a wrong digest, and not kept', async () => {
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    expect(await call('PUT', `${location}?digest=${noDigest}`, { body: 'x' })).toMatchObject({
      status: 400,
      code: 'DIGEST_INVALID',
    });
    expect(await call('GET', location)).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' });
    expect((await call('GET', `/v2/guest/app/blobs/${noDigest}`)).code).toBe('BLOB_UNKNOWN');
  });

  it.each([
    ['no digest', ''],
    ['words instead of a digest', '?digest=words'],
    ['a digest in capitals', `?digest=${noDigest.toUpperCase()}`],
    ['another algorithm', `?digest=sha512:${'0'.repeat(128)}`],
  ])('are refused with %s', async (_what, query) => {
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    const put = await call('PUT', `${begun.headers.get('location')}${query}`, { body: 'x' });
    expect(put).toMatchObject({ status: 400, code: 'DIGEST_INVALID' });
  });

  it.each(['5-', '-5', '5-2', 'bytes 0-5', '0-1x', '0-99999999999999999999'])(
    'are refused with the Content-Range %s',
    async (range) => {
      const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
      const answer = await call('PATCH', begun.headers.get('location') ?? '', {
        body: 'abcdef',
        headers: { 'content-range': range },
      });
      expect(answer).toMatchObject({ status: 400, code: 'BLOB_UPLOAD_INVALID' });
    },
  );

  it('are refused when a chunk has more bytes than its range', async () => {
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    const answer = await call('PATCH', begun.headers.get('location') ?? '', {
      body: new Blob([randomBytes(2000)]).stream(),
      headers: { 'content-range': '0-99' },
    });
    expect(answer).toMatchObject({ status: 400, code: 'SIZE_INVALID' });
  });

  it('can be cancelled', async () => {
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    expect((await call('DELETE', location)).status).toBe(204);
    expect(await call('PATCH', location, { body: 'x' })).toMatchObject({
      status: 404,
      code: 'BLOB_UPLOAD_UNKNOWN',
    });
  });

  it('resume only in their own repository', async () => {
    const begun = await call('POST', '/v2/guest/app/blobs/uploads/');
    const id = begun.headers.get('docker-upload-uuid');
    expect((await call('GET', `/v2/guest/app2/blobs/uploads/${id}`)).status).toBe(404);
  });

  it.each([
    ['bytes=0-0', 206, 'bytes 0-0/26', 'a'],
    ['bytes=5-9', 206, 'bytes 5-9/26', 'fghij'],
    ['bytes=20-', 206, 'bytes 20-25/26', 'uvwxyz'],
    ['bytes=20-99', 206, 'bytes 20-25/26', 'uvwxyz'],
    ['bytes=-3', 206, 'bytes 23-25/26', 'xyz'],
    ['bytes=-99', 206, 'bytes 0-25/26', 'abcdefghijklmnopqrstuvwxyz'],
    ['bytes=0-1,5-6', 200, null, 'abcdefghijklmnopqrstuvwxyz'],
    ['bytes=9-5', 200, null, 'abcdefghijklmnopqrstuvwxyz'],
    ['lines=1-2', 200, null, 'abcdefghijklmnopqrstuvwxyz'],
    ['bytes=26-', 416, 'bytes */26', undefined],
    ['bytes=-0', 416, 'bytes */26', undefined],
  ])('are sent in part: %s', async (range, status, contentRange, text) => {
    const digest = await registry.pushBlob('guest/ranges', Buffer.from('abcdefghijklmnopqrstuvwxyz'));
    const answer = await call('GET', `/v2/guest/ranges/blobs/${digest}`, { headers: { range } });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([status, contentRange]);
    if (text !== undefined) expect(answer.text).toBe(text);
  });

  it('are not sent again to a client that has them', async () => {
    const digest = await registry.pushBlob('guest/app', Buffer.from('cached'));
    const path = `/v2/guest/app/blobs/${digest}`;
    const etag = (await call('HEAD', path)).headers.get('etag') ?? '';
    const answer = await call('GET', path, { headers: { 'if-none-match': etag } });
    expect([answer.status, answer.text]).toEqual([304, '']);
    const other = await call('GET', path, { headers: { 'if-range': '"other"', range: 'bytes=0-1' } });
    expect(other.status).toBe(200);
  });

  it('are deleted, unless a manifest needs them', async () => {
    const digest = await registry.pushBlob('guest/app', Buffer.from('to be deleted'));
    expect((await call('DELETE', `/v2/guest/app/blobs/${digest}`)).status).toBe(202);
    expect((await call('GET', `/v2/guest/app/blobs/${digest}`)).status).toBe(404);
    expect(await call('DELETE', `/v2/guest/app/blobs/${digest}`)).toMatchObject({
      status: 404,
      code: 'BLOB_UNKNOWN',
    });
    const layer = Buffer.from('a layer that is needed');
    const image = await registry.pushImage('guest/app', 'needs', [layer]);
    const needed = imageOf([layer]).blobs[0] ?? layer;
    expect(await call('DELETE', `/v2/guest/app/blobs/${digestOf(needed)}`)).toMatchObject({
      status: 405,
      code: 'UNSUPPORTED',
    });
    expect((await call('GET', `/v2/guest/app/manifests/${image.digest}`)).status).toBe(200);
  });

  it('are mounted from another repository', async () => {
    const digest = await registry.pushBlob('guest/source', Buffer.from('mounted'));
    const mount = (query: string) => call('POST', `/v2/guest/mounts/blobs/uploads/?${query}`);
    expect((await call('HEAD', `/v2/guest/mounts/blobs/${digest}`)).status).toBe(404);
    const mounted = await mount(`mount=${digest}&from=guest/source`);
    expect([mounted.status, mounted.headers.get('location')]).toEqual([
      201,
      `/v2/guest/mounts/blobs/${digest}`,
    ]);
    expect((await call('GET', `/v2/guest/mounts/blobs/${digest}`)).text).toBe('mounted');
    const without = await call('POST', `/v2/guest/mounts2/blobs/uploads/?mount=${digest}`);
    expect(without.status).toBe(201);
    for (const query of [
      `mount=${noDigest}`,
      `mount=${noDigest}&from=guest/source`,
      `mount=${digest}&from=X`,
    ]) {
      const answer = await mount(query);
      expect(answer.status).toBe(202);
      expect(answer.headers.get('location')).toMatch(/^\/v2\/guest\/mounts\/blobs\/uploads\/[0-9a-f]{32}$/);
    }
    expect((await mount('mount=x&from=guest/source')).code).toBe('DIGEST_INVALID');
  });
});

describe('manifests', () => {
  it('are kept byte for byte, under tag and digest', async () => {
    const image = await registry.pushImage('guest/app', 'v1');
    for (const reference of ['v1', image.digest]) {
      const got = await call('GET', `/v2/guest/app/manifests/${reference}`);
      expect(got).toMatchObject({ status: 200, bytes: image.bytes });
      expect(got.headers.get('content-type')).toBe(manifestType);
      expect(got.headers.get('docker-content-digest')).toBe(image.digest);
      const head = await call('HEAD', `/v2/guest/app/manifests/${reference}`);
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(image.bytes.length)]);
    }
    const etag = (await call('GET', '/v2/guest/app/manifests/v1')).headers.get('etag') ?? '';
    const cached = await call('GET', '/v2/guest/app/manifests/v1', { headers: { 'if-none-match': etag } });
    expect(cached.status).toBe(304);
  });

  it('return their location', async () => {
    const image = imageOf([Buffer.from('location')]);
    for (const blob of image.blobs) await registry.pushBlob('guest/app', blob);
    const put = await registry.pushManifest('guest/app', 'location', image);
    expect(put.status).toBe(201);
    expect(put.headers.get('location')).toBe(`/v2/guest/app/manifests/${image.digest}`);
    expect(put.headers.get('docker-content-digest')).toBe(image.digest);
    expect(put.headers.get('oci-subject')).toBeNull();
  });

  it('can lack their type, which is then the request’s', async () => {
    const { mediaType: _, ...plain } = JSON.parse(
      (await registry.pushImage('guest/app', 'typed')).bytes.toString(),
    );
    const bytes = Buffer.from(JSON.stringify(plain, null, 3));
    const untyped = { bytes, mediaType: `${manifestType}; charset=utf-8`, digest: digestOf(bytes) };
    expect((await registry.pushManifest('guest/app', 'untyped', untyped)).status).toBe(201);
    const got = await call('GET', '/v2/guest/app/manifests/untyped');
    expect(got.bytes).toEqual(bytes);
    expect(got.headers.get('content-type')).toBe(manifestType);
  });

  it('can have Docker’s types', async () => {
    const [config, layer] = [Buffer.from('{"a":1}'), Buffer.from('docker layer')];
    for (const blob of [config, layer]) await registry.pushBlob('guest/docker', blob);
    const docker = 'application/vnd.docker';
    const image = manifestOf(
      {
        config: descriptorOf(config, `${docker}.container.image.v1+json`),
        layers: [descriptorOf(layer, `${docker}.image.rootfs.diff.tar.gzip`)],
      },
      `${docker}.distribution.manifest.v2+json`,
    );
    const list = manifestOf(
      {
        manifests: [
          { ...descriptorOf(image.bytes, image.mediaType), platform: { architecture: 'amd64', os: 'linux' } },
        ],
      },
      `${docker}.distribution.manifest.list.v2+json`,
    );
    expect((await registry.pushManifest('guest/docker', image.digest, image)).status).toBe(201);
    expect((await registry.pushManifest('guest/docker', 'all', list)).status).toBe(201);
    const got = await call('GET', '/v2/guest/docker/manifests/all');
    expect([got.headers.get('content-type'), got.bytes]).toEqual([list.mediaType, list.bytes]);
  });

  it('move their tags: the last one wins', async () => {
    const first = await registry.pushImage('guest/moves', 'latest');
    const second = await registry.pushImage('guest/moves', 'latest');
    expect((await call('GET', '/v2/guest/moves/manifests/latest')).bytes).toEqual(second.bytes);
    expect((await call('GET', `/v2/guest/moves/manifests/${first.digest}`)).bytes).toEqual(first.bytes);
  });

  it('can get several tags at once by digest', async () => {
    const image = await registry.pushImage('guest/many', 'first');
    const put = await registry.pushManifest('guest/many', `${image.digest}?tag=b&tag=a`, image);
    expect([put.status, put.headers.get('oci-tag')]).toEqual([201, 'b, a']);
    expect((await call('GET', '/v2/guest/many/tags/list')).body.tags).toEqual(['a', 'b', 'first']);
  });

  it('are not found', async () => {
    for (const reference of ['none', noDigest, '.INVALID_MANIFEST_NAME', '-']) {
      const answer = await call('GET', `/v2/guest/app/manifests/${reference}`);
      expect(answer).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' });
      const head = await call('HEAD', `/v2/guest/app/manifests/${reference}`);
      expect([head.status, head.text]).toEqual([404, '']);
    }
    expect((await call('GET', '/v2/guest/app/manifests/sha256:short')).code).toBe('DIGEST_INVALID');
  });

  it('are deleted with their tags, or lose a tag', async () => {
    const image = await registry.pushImage('guest/gone', 'a');
    await registry.pushManifest('guest/gone', 'b', image);
    expect((await call('DELETE', '/v2/guest/gone/manifests/a')).status).toBe(202);
    expect((await call('GET', '/v2/guest/gone/manifests/a')).status).toBe(404);
    expect((await call('GET', '/v2/guest/gone/manifests/b')).status).toBe(200);
    expect((await call('DELETE', `/v2/guest/gone/manifests/${image.digest}`)).status).toBe(202);
    expect((await call('GET', '/v2/guest/gone/manifests/b')).status).toBe(404);
    for (const reference of ['a', image.digest]) {
      const answer = await call('DELETE', `/v2/guest/gone/manifests/${reference}`);
      expect(answer).toMatchObject({ status: 404, code: 'MANIFEST_UNKNOWN' });
    }
  });
});

describe('indexes', () => {
  it('list manifests of the repository, and can be listed by others', async () => {
    const image = await registry.pushImage('guest/multi', 'amd64');
    const index = indexOf([image]);
    expect((await registry.pushManifest('guest/multi', 'all', index)).status).toBe(201);
    const outer = indexOf([index, image]);
    expect((await registry.pushManifest('guest/multi', 'outer', outer)).status).toBe(201);
    expect((await call('GET', '/v2/guest/multi/manifests/outer')).headers.get('content-type')).toBe(
      indexType,
    );
  });

  it('prevent the deletion of listed manifests', async () => {
    const image = await registry.pushImage('guest/kept', 'amd64');
    const index = indexOf([image]);
    await registry.pushManifest('guest/kept', 'all', index);
    const refused = await call('DELETE', `/v2/guest/kept/manifests/${image.digest}`);
    expect(refused).toMatchObject({ status: 405, code: 'UNSUPPORTED' });
    expect(refused.body.errors[0].message).toContain(index.digest);
    expect((await call('DELETE', '/v2/guest/kept/manifests/amd64')).status).toBe(202);
    expect((await call('DELETE', `/v2/guest/kept/manifests/${index.digest}`)).status).toBe(202);
    expect((await call('DELETE', `/v2/guest/kept/manifests/${image.digest}`)).status).toBe(202);
  });

  it('are refused when they are nested too deep, or list missing manifests', async () => {
    let index = indexOf([]);
    let status = 0;
    for (let depth = 1; depth <= 4; depth++) {
      status = (await registry.pushManifest('guest/deep', index.digest, index)).status;
      expect(status).toBe(201);
      index = indexOf([index], { annotations: { depth: String(depth) } });
    }
    expect(await registry.pushManifest('guest/deep', index.digest, index)).toMatchObject({
      status: 400,
      code: 'MANIFEST_INVALID',
    });
    const image = imageOf([]);
    expect(await registry.pushManifest('guest/deep', 'x', indexOf([image]))).toMatchObject({
      status: 400,
      code: 'MANIFEST_BLOB_UNKNOWN',
    });
  });
});

describe('referrers', () => {
  const refer = async (repository: string, subject: string, artifactType: string, more: object = {}) => {
    const config = Buffer.from('{}');
    await registry.pushBlob(repository, config);
    const manifest = manifestOf({
      artifactType,
      config: descriptorOf(config, 'application/vnd.oci.empty.v1+json'),
      layers: [descriptorOf(config, 'application/vnd.oci.empty.v1+json')],
      subject: { mediaType: manifestType, digest: subject, size: 100 },
      ...more,
    });
    const put = await registry.pushManifest(repository, manifest.digest, manifest);
    expect([put.status, put.headers.get('oci-subject')]).toEqual([201, subject]);
    return manifest;
  };

  it('are listed, all or of one type', async () => {
    const image = await registry.pushImage('guest/refs', 'v1');
    const sbom = await refer('guest/refs', image.digest, 'application/spdx+json', {
      annotations: { a: 'b' },
    });
    const signature = await refer('guest/refs', image.digest, 'application/signature');
    const all = await call('GET', `/v2/guest/refs/referrers/${image.digest}`);
    expect(all.status).toBe(200);
    expect(all.headers.get('content-type')).toBe(indexType);
    expect(all.headers.get('oci-filters-applied')).toBeNull();
    expect(all.body).toMatchObject({ schemaVersion: 2, mediaType: indexType });
    expect(all.body.manifests).toHaveLength(2);
    expect(all.body.manifests).toContainEqual({
      ...descriptorOf(sbom.bytes, manifestType),
      artifactType: 'application/spdx+json',
      annotations: { a: 'b' },
    });
    const some = await call(
      'GET',
      `/v2/guest/refs/referrers/${image.digest}?artifactType=application/signature`,
    );
    expect(some.headers.get('oci-filters-applied')).toBe('artifactType');
    expect(some.body.manifests).toEqual([
      { ...descriptorOf(signature.bytes, manifestType), artifactType: 'application/signature' },
    ]);
    expect((await call('DELETE', `/v2/guest/refs/manifests/${sbom.digest}`)).status).toBe(202);
    expect((await call('GET', `/v2/guest/refs/referrers/${image.digest}`)).body.manifests).toHaveLength(1);
  });

  it('have the type of their configuration if they state none', async () => {
    const image = imageOf([], { subject: { mediaType: manifestType, digest: noDigest, size: 1 } });
    for (const blob of image.blobs) await registry.pushBlob('guest/refs', blob);
    await registry.pushManifest('guest/refs', 'about', image);
    const { manifests } = (await call('GET', `/v2/guest/refs/referrers/${noDigest}`)).body;
    expect(manifests).toMatchObject([{ artifactType: 'application/vnd.oci.image.config.v1+json' }]);
  });

  it('are an empty list if there are none', async () => {
    const answer = await call('GET', `/v2/guest/never/referrers/${noDigest}`);
    expect(answer.status).toBe(200);
    expect(answer.body.manifests).toEqual([]);
    expect((await call('GET', '/v2/guest/never/referrers/v1')).code).toBe('DIGEST_INVALID');
  });

  it('are listed in pages', async () => {
    const subject = digestOf('of the pages');
    for (const type of ['a', 'b', 'c']) await refer('guest/paged', subject, `application/${type}`);
    const types: string[] = [];
    let next: string | undefined = `/v2/guest/paged/referrers/${subject}?n=2`;
    while (next !== undefined) {
      const page = await call('GET', next);
      types.push(...page.body.manifests.map((each: { artifactType: string }) => each.artifactType));
      next = /^<(.+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(types.sort()).toEqual(['application/a', 'application/b', 'application/c']);
  });

  it('can also be stored as an index under a tag, by older clients', async () => {
    const image = await registry.pushImage('guest/fallback', 'v1');
    const about = await refer('guest/fallback', image.digest, 'application/x');
    const tag = image.digest.replace(':', '-');
    expect((await registry.pushManifest('guest/fallback', tag, indexOf([about]))).status).toBe(201);
    expect((await call('GET', `/v2/guest/fallback/manifests/${tag}`)).status).toBe(200);
  });
});

describe('lists', () => {
  it('of tags are sorted, and have pages', async () => {
    const image = await registry.pushImage('guest/tags', 'B');
    for (const tag of ['a', 'c', '_', '1.0', 'b']) await registry.pushManifest('guest/tags', tag, image);
    const list = (query: string) => call('GET', `/v2/guest/tags/tags/list${query}`);
    expect((await list('')).body).toEqual({ name: 'guest/tags', tags: ['1.0', 'B', '_', 'a', 'b', 'c'] });
    const page = await list('?n=2');
    expect(page.body.tags).toEqual(['1.0', 'B']);
    expect(page.headers.get('link')).toBe('</v2/guest/tags/tags/list?n=2&last=B>; rel="next"');
    const last = await list('?n=4&last=B');
    expect(last.body.tags).toEqual(['_', 'a', 'b', 'c']);
    expect(last.headers.get('link')).toBeNull();
    const none = await list('?n=0');
    expect([none.body.tags, none.headers.get('link')]).toEqual([[], null]);
    for (const query of ['?n=-1', '?n=x', '?n=']) {
      expect(await list(query)).toMatchObject({ status: 400, code: 'PAGINATION_NUMBER_INVALID' });
    }
  });

  it('of tags need a repository', async () => {
    expect(await call('GET', '/v2/guest/no-such/tags/list')).toMatchObject({
      status: 404,
      code: 'NAME_UNKNOWN',
    });
    await registry.pushBlob('guest/blobs-only', Buffer.from('x'));
    expect((await call('GET', '/v2/guest/blobs-only/tags/list')).status).toBe(404);
  });
});

describe('sha512', () => {
  const blob = randomBytes(500);
  const name = sha512Of(blob);
  const push = async (repository: string, bytes: Buffer, digest: string) => {
    const begun = await call('POST', `/v2/${repository}/blobs/uploads/?digest-algorithm=sha512`);
    return call('PUT', `${begun.headers.get('location')}?digest=${digest}`, { body: bytes });
  };

  it('names blobs for push, pull, mount and delete', async () => {
    const pushed = await push('guest/long', blob, name);
    expect([
      pushed.status,
      pushed.headers.get('location'),
      pushed.headers.get('docker-content-digest'),
    ]).toEqual([201, `/v2/guest/long/blobs/${name}`, name]);
    for (const digest of [name, digestOf(blob)]) {
      const pulled = await call('GET', `/v2/guest/long/blobs/${digest}`);
      expect([pulled.bytes.equals(blob), pulled.headers.get('docker-content-digest')]).toEqual([
        true,
        digest,
      ]);
    }
    const part = await call('GET', `/v2/guest/long/blobs/${name}`, { headers: { range: 'bytes=2-4' } });
    expect([part.status, part.bytes]).toEqual([206, blob.subarray(2, 5)]);
    const mounted = await call('POST', `/v2/guest/mounted/blobs/uploads/?mount=${name}&from=guest/long`);
    expect([mounted.status, mounted.headers.get('location')]).toEqual([
      201,
      `/v2/guest/mounted/blobs/${name}`,
    ]);
    expect((await call('GET', `/v2/other/long/blobs/${name}`, { key: otherKey })).status).toBe(404);
    expect((await call('DELETE', `/v2/guest/long/blobs/${name}`)).status).toBe(202);
    expect((await call('HEAD', `/v2/guest/long/blobs/${digestOf(blob)}`)).status).toBe(404);
    expect((await call('HEAD', `/v2/guest/long/blobs/${name}`)).status).toBe(404);
  });

  it('is computed from the bytes, whatever a client claims', async () => {
    const wrong = sha512Of(Buffer.from('other'));
    expect(await push('guest/long', blob, wrong)).toMatchObject({ status: 400, code: 'DIGEST_INVALID' });
    expect((await call('GET', `/v2/guest/long/blobs/${wrong}`)).status).toBe(404);
    const { bytes, mediaType } = imageOf([]);
    const answer = await registry.pushManifest('guest/long', wrong, { bytes, mediaType, digest: '' });
    expect(answer).toMatchObject({ status: 400, code: 'DIGEST_INVALID' });
  });

  it('names manifests, their parts and their subjects', async () => {
    const { blobs, ...plain } = imageOf([blob]);
    for (const each of blobs) await push('guest/named', each, sha512Of(each));
    const long = blobs.reduce(
      (text, each) => text.replace(digestOf(each), sha512Of(each)),
      String(plain.bytes),
    );
    const image = { bytes: Buffer.from(long), mediaType: manifestType, digest: '' };
    const digest = sha512Of(image.bytes);
    const pushed = await registry.pushManifest('guest/named', `${digest}?tag=v1`, image);
    expect([pushed.status, pushed.headers.get('docker-content-digest')]).toEqual([201, digest]);
    const pulled = await call('GET', `/v2/guest/named/manifests/${digest}`);
    expect([pulled.text, pulled.headers.get('docker-content-digest')]).toEqual([long, digest]);
    const tagged = await call('HEAD', '/v2/guest/named/manifests/v1');
    expect(tagged.headers.get('docker-content-digest')).toBe(digestOf(image.bytes));
    const about = manifestOf({
      config: descriptorOf(blobs[0] ?? blob, 'application/x'),
      layers: [],
      subject: { ...descriptorOf(image.bytes, manifestType), digest },
    });
    const told = await registry.pushManifest('guest/named', 'about', about);
    expect([told.status, told.headers.get('oci-subject')]).toEqual([201, digest]);
    for (const subject of [digest, digestOf(image.bytes)]) {
      const { body } = await call('GET', `/v2/guest/named/referrers/${subject}`);
      expect(body.manifests).toMatchObject([{ digest: about.digest }]);
    }
    expect((await call('DELETE', `/v2/guest/named/manifests/${digest}`)).status).toBe(202);
    expect((await call('GET', '/v2/guest/named/manifests/v1')).status).toBe(404);
  });

  it('finds a subject that is pushed later, too', async () => {
    const { blobs, ...image } = imageOf([blob]);
    for (const each of blobs) await registry.pushBlob('guest/later', each);
    const digest = sha512Of(image.bytes);
    const about = manifestOf({
      config: descriptorOf(blobs[0] ?? blob, 'application/x'),
      layers: [],
      subject: { ...descriptorOf(image.bytes, manifestType), digest },
    });
    await registry.pushManifest('guest/later', 'about', about);
    const listed = async (subject: string) =>
      (await call('GET', `/v2/guest/later/referrers/${subject}`)).body.manifests.length;
    expect([await listed(digest), await listed(image.digest)]).toEqual([1, 0]);
    await registry.pushManifest('guest/later', digest, image);
    expect([await listed(digest), await listed(image.digest)]).toEqual([1, 1]);
  });
});

describe('layers that are stored elsewhere', () => {
  const elsewhere = (mediaType: string) => {
    const config = Buffer.from('{}');
    const { digest, size } = descriptorOf(randomBytes(9), '');
    const layers = [{ mediaType, digest, size, urls: ['https://example.org/layer'] }];
    return { config, image: manifestOf({ config: descriptorOf(config, 'application/x'), layers }) };
  };

  it.each([
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  ])('need not be pushed: %s', async (mediaType) => {
    const { config, image } = elsewhere(mediaType);
    await registry.pushBlob('guest/elsewhere', config);
    expect((await registry.pushManifest('guest/elsewhere', 'v1', image)).status).toBe(201);
  });

  it('must be pushed if they have another type', async () => {
    const { config, image } = elsewhere('application/vnd.oci.image.layer.v1.tar+gzip');
    await registry.pushBlob('guest/elsewhere', config);
    const answer = await registry.pushManifest('guest/elsewhere', 'v2', image);
    expect(answer).toMatchObject({ status: 400, code: 'MANIFEST_BLOB_UNKNOWN' });
  });
});
