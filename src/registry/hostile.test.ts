import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import { maxManifestBytes } from '../content/index.ts';
import {
  descriptorOf,
  guestKey,
  imageOf,
  indexType,
  manifestType,
  otherKey,
  startRegistry,
  type TestRegistry,
} from './registry.fixture.ts';

/** A manifest of this size. */
function padded(image: { readonly bytes: Buffer }, size: number): Buffer {
  const open = image.bytes.toString().replace(/}$/, ',"annotations":{"a":"');
  return Buffer.from(`${open}${'x'.repeat(size - open.length - 3)}"}}`);
}

async function put(registry: TestRegistry, body: Buffer | string, contentType = manifestType) {
  return registry.call('PUT', '/v2/guest/app/manifests/v1', {
    body,
    headers: { 'content-type': contentType },
  });
}

const config = Buffer.from('{}');
const layer = Buffer.from('layer');
const [configText, layerText] = [config, layer].map((each) => JSON.stringify(descriptorOf(each, 'a/b')));
const plain = `{"schemaVersion":2,"config":${configText},"layers":[${layerText}]}`;
const upper = digestOf(layer).toUpperCase().replace('SHA256', 'sha256');

let shared: TestRegistry;
beforeAll(async () => {
  shared = await startRegistry();
  for (const blob of [config, layer]) await shared.pushBlob('guest/app', blob);
});
afterAll(() => shared[Symbol.asyncDispose]());

describe('a manifest', () => {
  it('can have 4 MiB, but no more', async () => {
    const registry = shared;
    const image = imageOf([]);
    for (const blob of image.blobs) await registry.pushBlob('guest/app', blob);
    const largest = padded(image, maxManifestBytes);
    expect(largest.length).toBe(maxManifestBytes);
    expect((await put(registry, largest)).status).toBe(201);
    expect((await registry.call('GET', '/v2/guest/app/manifests/v1')).bytes).toEqual(largest);
    const larger = padded(image, maxManifestBytes + 1);
    expect(await put(registry, larger)).toMatchObject({ status: 413, code: 'SIZE_INVALID' });
    const streamed = await registry.call('PUT', '/v2/guest/app/manifests/v1', {
      body: new Blob([larger]).stream(),
      headers: { 'content-type': manifestType },
    });
    expect(streamed).toMatchObject({ status: 413, code: 'SIZE_INVALID' });
  });

  it.each([
    ['no JSON', 'words'],
    ['a list', '[]'],
    ['nothing', ''],
    ['bytes that are not text', Buffer.from([0x7b, 0xff, 0x7d])],
    ['a byte order mark', `\ufeff${plain}`],
    ['half a manifest', plain.slice(0, -10)],
    ['more than a manifest', `${plain}{}`],
    ['the first version', plain.replace('2', '1')],
    ['no version', plain.replace('"schemaVersion":2,', '')],
    ['no layers', `{"schemaVersion":2,"config":${configText}}`],
    ['no configuration', `{"schemaVersion":2,"layers":[${layerText}]}`],
    ['a layer of null', `{"schemaVersion":2,"config":${configText},"layers":[null]}`],
    ['another size of a layer', plain.replace('"size":5', '"size":6')],
    ['a negative size', plain.replace('"size":5', '"size":-5')],
    ['a size that is a fraction', plain.replace('"size":5', '"size":5.5')],
    ['a size that is too large for a number', plain.replace('"size":5', '"size":99999999999999999999')],
    ['a size that is text', plain.replace('"size":5', '"size":"5"')],
    ['a digest in capitals', plain.replace(digestOf(layer), upper)],
    ['a digest that is a path', plain.replace(digestOf(layer), 'sha256:../../../etc/passwd')],
    ['another algorithm', plain.replace(digestOf(layer), `sha384:${'0'.repeat(96)}`)],
    ['manifests, too', plain.replace(/}$/, ',"manifests":[]}')],
    ['a key twice', plain.replace(/}$/, `,"layers":[${layerText}]}`)],
    ['a key twice, once in disguise', plain.replace(/}$/, `,"\\u006cayers":[${layerText}]}`)],
    ['a key in capitals', plain.replace(/}$/, `,"Layers":[${layerText}]}`)],
    ['a key with a letter that case folding changes', plain.replace(/}$/, `,"layer\u017f":[${layerText}]}`)],
    ['a type in capitals', plain.replace(/}$/, `,"MediaType":"${indexType}"}`)],
    ['a type that the request does not have', plain.replace(/}$/, `,"mediaType":"${indexType}"}`)],
    ['an unknown type of its own', plain.replace(/}$/, ',"mediaType":"text/html"}')],
    ['a subject without a digest', plain.replace(/}$/, ',"subject":{"mediaType":"a/b","size":1}}')],
    ['annotations that are not texts', plain.replace(/}$/, ',"annotations":{"a":1}}')],
    ['embedded data that differ from the blob', plain.replace('"size":5', '"size":5,"data":"YWJjZGU="')],
    ['a thousand levels', `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`],
    ['a million brackets', '['.repeat(1_000_000)],
    [
      'one blob with two sizes',
      plain.replace(`[${layerText}]`, `[${layerText},${layerText?.replace('5', '7')}]`),
    ],
  ])('with %s is refused', async (_what, body) => {
    const registry = shared;
    expect((await put(registry, plain)).status).toBe(201);
    expect(await put(registry, body)).toMatchObject({ status: 400, code: 'MANIFEST_INVALID' });
    expect((await registry.call('GET', '/v2/guest/app/manifests/v1')).text).toBe(plain);
  });

  it.each([
    ['text/html', 'a page'],
    ['application/vnd.docker.distribution.manifest.v1+prettyjws', 'the first schema'],
    ['application/json', 'something vague'],
  ])('of the type %s is refused: that is %s', async (contentType) => {
    const answer = await put(shared, plain, contentType);
    expect(answer).toMatchObject({ status: 400, code: 'MANIFEST_INVALID' });
  });

  it('in an index must match its description there', async () => {
    const registry = shared;
    const image = await registry.pushImage('guest/app', 'image');
    const list = (more: object) =>
      put(
        registry,
        JSON.stringify({
          schemaVersion: 2,
          manifests: [{ ...descriptorOf(image.bytes, manifestType), ...more }],
        }),
        indexType,
      );
    expect((await list({ size: image.bytes.length + 1 })).code).toBe('MANIFEST_INVALID');
    expect((await list({ mediaType: indexType })).code).toBe('MANIFEST_INVALID');
    expect((await list({ mediaType: 'application/x-other' })).code).toBe('MANIFEST_BLOB_UNKNOWN');
    expect((await list({})).status).toBe(201);
  });

  it('under a wrong digest is refused', async () => {
    const registry = shared;
    const image = await registry.pushImage('guest/app', 'v1');
    const answer = await registry.pushManifest('guest/app', digestOf('other'), image);
    expect(answer).toMatchObject({ status: 400, code: 'DIGEST_INVALID' });
  });

  it('under an invalid tag is refused', async () => {
    const registry = shared;
    const image = await registry.pushImage('guest/app', 'v1');
    for (const tag of ['-v1', '.v1', 'v%201', 'v%0a1', 'a'.repeat(129)]) {
      expect(await registry.pushManifest('guest/app', tag, image)).toMatchObject({ status: 400 });
    }
    expect((await registry.pushManifest('guest/app', `${image.digest}?tag=-x`, image)).status).toBe(400);
    expect((await registry.pushManifest('guest/app', 'a'.repeat(128), image)).status).toBe(201);
  });

  it('waits while too many manifests are in memory', async () => {
    const judging = Promise.withResolvers<void>();
    const verdict = Promise.withResolvers<void>();
    await using registry = await startRegistry({
      limits: { manifestsInMemory: 1000 },
      gate: {
        uploadBegun() {},
        blobArrived() {},
        async manifestArrived() {
          judging.resolve();
          await verdict.promise;
        },
        manifestAccepted: async () => {},
        manifestDeleted: async () => {},
      },
    });
    for (const blob of [config, layer]) await registry.pushBlob('guest/app', blob);
    const first = put(registry, padded({ bytes: Buffer.from(plain) }, 2000));
    await judging.promise;
    const second = await put(registry, plain);
    expect([second.status, second.code, second.headers.get('retry-after')]).toEqual([
      429,
      'TOOMANYREQUESTS',
      '5',
    ]);
    verdict.resolve();
    expect((await first).status).toBe(201);
    expect((await put(registry, plain)).status).toBe(201);
  });
});

describe('a blob that lost bytes on the disk', () => {
  it('is never served as a whole one', async () => {
    await using registry = await startRegistry();
    const digest = await registry.pushBlob('guest/app', randomBytes(1_000_000));
    await truncate(join(registry.dir, 'blobs/sha256', digest.slice('sha256:'.length)), 700_000);
    const path = `/v2/guest/app/blobs/${digest}`;
    await expect(registry.call('GET', path)).rejects.toThrow();
    expect((await registry.call('GET', path, { headers: { range: 'bytes=0-9' } })).status).toBe(206);
  });
});

describe('a client', () => {
  const head = (path: string, lines: readonly string[], url: string) =>
    [
      `${path} HTTP/1.1`,
      `Host: ${new URL(url).host}`,
      `Authorization: Basic ${Buffer.from(guestKey).toString('base64')}`,
      ...lines,
      '',
      '',
    ].join('\r\n');

  it('that disconnects in the middle of a chunk can resume there', async () => {
    await using registry = await startRegistry();
    const begun = await registry.call('POST', '/v2/guest/app/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    const { hostname, port } = new URL(registry.url);
    const bytes = randomBytes(1_000_000);
    const socket = connect(Number(port), hostname);
    socket.write(head(`PATCH ${location}`, [`Content-Length: ${bytes.length}`], registry.url));
    socket.write(bytes.subarray(0, 600_000));
    const held = async () => {
      const range = (await registry.call('GET', location)).headers.get('range') ?? '';
      return Number(range.split('-')[1]) + 1;
    };
    while ((await held()) === 1) await new Promise(setImmediate);
    socket.end();
    while ((await held()) !== 600_000) await new Promise(setImmediate);
    const headers = { 'content-range': '600000-999999' };
    const rest = await registry.call('PATCH', location, { body: bytes.subarray(600_000), headers });
    expect([rest.status, rest.headers.get('range')]).toEqual([202, '0-999999']);
    expect((await registry.call('PUT', `${location}?digest=${digestOf(bytes)}`)).status).toBe(201);
    expect((await registry.call('GET', `/v2/guest/app/blobs/${digestOf(bytes)}`)).bytes).toEqual(bytes);
  });

  it('whose old connection still hangs can resume', async () => {
    await using registry = await startRegistry();
    const begun = await registry.call('POST', '/v2/guest/app/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    const { hostname, port } = new URL(registry.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(head(`PATCH ${location}`, ['Content-Length: 1000'], registry.url));
    await once(socket, 'connect');
    socket.write('abc');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const bytes = Buffer.from('abcdef');
    const whole = async () => {
      const begins = (await registry.call('GET', location)).headers.get('range');
      const at = begins === '0-0' ? 0 : 3;
      const headers = { 'content-range': `${at}-5` };
      return registry.call('PATCH', location, { body: bytes.subarray(at), headers });
    };
    // The bytes of the old connection may show only after it ends.
    let answer = await whole();
    if (answer.status === 416) answer = await whole();
    expect(answer.status).toBe(202);
    await closed;
    expect((await registry.call('PUT', `${location}?digest=${digestOf(bytes)}`)).status).toBe(201);
  });

  it('that sends too much at once must wait, but others need not', async () => {
    await using registry = await startRegistry({
      limits: { uploadsAtOnce: 3, uploadsAtOncePerNamespace: 2 },
    });
    const begin = async (namespace: string, key: string) =>
      (await registry.call('POST', `/v2/${namespace}/app/blobs/uploads/`, { key })).headers.get('location') ??
      '';
    const held: ReadableStreamDefaultController[] = [];
    const hang = (location: string, key: string) => {
      const body = new ReadableStream({
        start: (controller) => void held.push(controller),
        pull: (controller) => {
          controller.enqueue(Buffer.alloc(700_000));
          return new Promise(() => {});
        },
      });
      return registry.call('PATCH', location, { key, body });
    };
    const [first, second, third, other, last] = [
      ...(await Promise.all([1, 2, 3].map(() => begin('guest', guestKey)))),
      ...(await Promise.all([1, 2].map(() => begin('other', otherKey)))),
    ];
    const hanging = [hang(first ?? '', guestKey), hang(second ?? '', guestKey), hang(other ?? '', otherKey)];
    const range = async (location = '', key = guestKey) =>
      (await registry.call('GET', location, { key })).headers.get('range');
    for (const location of [first, second]) while ((await range(location)) === '0-0');
    while ((await range(other, otherKey)) === '0-0');
    const refused = await registry.call('PATCH', third ?? '', { body: 'x' });
    expect([refused.status, refused.code, refused.headers.get('retry-after')]).toEqual([
      429,
      'TOOMANYREQUESTS',
      '5',
    ]);
    expect((await registry.call('PATCH', last ?? '', { key: otherKey, body: 'x' })).status).toBe(429);
    for (const controller of held) controller.close();
    for (const answer of hanging) expect((await answer).status).toBe(202);
    expect((await registry.call('PATCH', third ?? '', { body: 'x' })).status).toBe(202);
  });

  it('that continues to send after a refusal gets the answer, and is disconnected', async () => {
    await using registry = await startRegistry({ limits: { lingerMs: 50 } });
    const { hostname, port } = new URL(registry.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    const path = 'POST /v2/other/app/blobs/uploads/?digest=x';
    socket.write(head(path, ['Content-Length: 100000000'], registry.url));
    const sending = setInterval(() => socket.write(Buffer.alloc(1000)), 5);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(sending);
    expect(answer).toContain('HTTP/1.1 403 ');
    expect(answer).toContain('may not push other/app');
  });
});
