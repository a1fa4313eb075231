import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { describe, expect, it, vi } from 'vitest';
import { blobPath, digestOf, openBlobStore, parseDigest } from '../../blobs/index.ts';
import { companionTag, generateKeyPair, layersOf, readSigningKey } from '../../gate/index.ts';
import {
  manifestMediaType,
  ociArchitecture,
  openImageStore,
  readIndex,
  refNameOf,
  tagManifest,
} from '../../images/index.ts';
import { buildImage, type ImageBuildRequest } from './image.ts';
import { architectureOf, parseOutput } from './output.ts';
import { createRegistryClient } from './registry.ts';
import { openKey, signInLayout } from './trust.ts';

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'ward-image-build-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A stand-in for a runtime image. */
async function writeBase(store: string) {
  const archive = pack();
  archive.entry({ name: 'usr/bin/node' }, 'node');
  archive.finalize();
  const blobs = openBlobStore(store);
  const put = async (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: await blobs.put(bytes),
    size: bytes.length,
  });
  const layer = await put('application/vnd.oci.image.layer.v1.tar', await buffer(archive));
  const config = {
    architecture: ociArchitecture(),
    os: 'linux',
    config: { Labels: { 'ward.kind': 'nodejs:24' } },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  };
  const manifest = {
    schemaVersion: 2,
    config: await put('application/vnd.oci.image.config.v1+json', Buffer.from(JSON.stringify(config))),
    layers: [layer],
  };
  const entry = await put(manifestMediaType, Buffer.from(JSON.stringify(manifest)));
  await tagManifest(store, entry, ['nodejs:24']);
  return { entry, layer };
}

async function workshop() {
  const folder = await temporaryFolder();
  const store = join(folder.path, 'store');
  const { entry, layer } = await writeBase(store);
  await mkdir(join(folder.path, 'app'));
  await writeFile(join(folder.path, 'app/index.js'), 'exports.main = () => ({});');
  vi.stubEnv('WARD_IMAGES', store);
  const build = (more: Partial<ImageBuildRequest> = {}) =>
    buildImage({
      ...{ dataDir: join(folder.path, 'data'), folder: join(folder.path, 'app') },
      ...{ labels: {}, buildArgs: [], hasNetwork: false, isScanned: false, onProgress() {} },
      ...more,
    });
  const dispose = async () => {
    vi.unstubAllEnvs();
    await folder[Symbol.asyncDispose]();
  };
  const digest = parseDigest(entry.digest);
  return {
    ...folder,
    store,
    build,
    digest,
    layer: parseDigest(layer.digest),
    [Symbol.asyncDispose]: dispose,
  };
}

const namesIn = async (dir: string) => ((await readIndex(dir))?.manifests ?? []).map(refNameOf).sort();

describe('a build', () => {
  it('names the parameters and the base', async () => {
    await using shop = await workshop();
    const { provenance, digest, image } = await shop.build({ labels: { a: 'b' }, kind: 'nodejs:24' });
    expect(provenance).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'app:latest', digest: { sha256: digest.slice(7) } }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          externalParameters: { kind: 'nodejs:24', labels: { a: 'b' } },
          resolvedDependencies: [
            { uri: 'urn:ward:image:nodejs:24', digest: { sha256: image.base.digest.slice(7) } },
            { uri: 'urn:ward:layer:server' },
            { uri: 'urn:ward:layer:code' },
          ],
        },
        runDetails: { metadata: { startedOn: expect.stringMatching(/^\d{4}-/) } },
      },
    });
  });

  it('attaches a signature and attestations to the image, which are not listed as images', async () => {
    await using shop = await workshop();
    const { privateKey } = generateKeyPair('secret');
    const path = join(shop.path, 'key');
    await writeFile(path, privateKey);
    const { digest, signedBy } = await shop.build({ key: { path, passphrase: 'secret' } });
    expect(signedBy).toMatch(/^[0-9a-f]{64}$/);
    expect(await namesIn(shop.store)).toEqual(
      ['app:latest', 'nodejs:24', companionTag(digest, 'att'), companionTag(digest, 'sig')].sort(),
    );
    await using images = await openImageStore({ dir: shop.store, mountsDir: join(shop.path, 'roots') });
    expect((await images.list()).map(({ name }) => name)).toEqual(['app:latest', 'nodejs:24']);
  });

  it('checks before it begins whether the key can be opened', async () => {
    await using shop = await workshop();
    const path = join(shop.path, 'key');
    await expect(openKey({ path, passphrase: '' })).rejects.toMatchObject({ code: 'FLAG_INVALID' });
    await writeFile(path, generateKeyPair('secret').privateKey);
    await expect(shop.build({ key: { path, passphrase: 'wrong' } })).rejects.toMatchObject({
      code: 'KEY_LOCKED',
    });
    expect(await namesIn(shop.store)).toEqual(['nodejs:24']);
  });

  it('reuses the scan of its base’s layers from the build before, but not if their bytes changed', async () => {
    await using shop = await workshop();
    const known = join(shop.path, 'data/gate/layers');
    await shop.build({ isScanned: true });
    await expect(readdir(known)).rejects.toThrow('ENOENT');
    await mkdir(join(shop.path, 'data'));
    const { image } = await shop.build({ isScanned: true });
    expect(await readdir(known)).toHaveLength(image.layers.length);
    await writeFile(join(shop.path, 'app/index.js'), 'exports.main = () => ({ other: true });');
    await shop.build({ isScanned: true });
    expect(await readdir(known)).toHaveLength(image.layers.length + 1);
    const base = blobPath(shop.store, shop.layer);
    await writeFile(base, Buffer.alloc((await stat(base)).size));
    await expect(shop.build({ isScanned: true })).rejects.toMatchObject({ code: 'SCAN_TARGET_INVALID' });
  });

  it('leaves no files when it is interrupted', async () => {
    await using shop = await workshop();
    const controller = new AbortController();
    const onProgress = (text: string) => text === 'packing code' && controller.abort();
    await expect(shop.build({ onProgress, signal: controller.signal })).rejects.toThrow('aborted');
    expect(await namesIn(shop.store)).toEqual(['nodejs:24']);
    expect(await readdir(join(shop.store, 'build'))).toEqual([]);
  });
});

describe('signing in a layout', () => {
  it('is done once for a key, and keeps other signatures', async () => {
    await using shop = await workshop();
    const [mine, theirs] = ['a', 'b'].map((word) => readSigningKey(generateKeyPair(word).privateKey, word));
    if (mine === undefined || theirs === undefined) throw new Error('no keys');
    const sign = (key: typeof mine) => signInLayout(shop.store, 'nodejs:24', shop.digest, key);
    expect([await sign(mine), await sign(mine), await sign(theirs), await sign(mine)]).toEqual([
      ...[true, false, true, false],
    ]);
    const tag = companionTag(shop.digest, 'sig');
    const entry = (await readIndex(shop.store))?.manifests.find((each) => refNameOf(each) === tag);
    const manifest = await openBlobStore(shop.store).get(parseDigest(entry?.digest ?? ''));
    expect(layersOf(manifest)).toHaveLength(2);
  });
});

describe('an output', () => {
  it.each([
    [undefined, false, { kind: 'store' }],
    [undefined, true, undefined],
    ['oci:/a/b', true, { kind: 'layout', path: '/a/b' }],
    ['/a/b.tar', false, { kind: 'archive', path: '/a/b.tar' }],
  ])('%s, pushed: %s', (text, isPushed, target) => {
    expect(parseOutput(text, isPushed)).toEqual(target);
  });

  it.each(['x', 'oci:', 'oci:a:b', 'rootfs:/', 'x.tar.gz'])('cannot be %j', (text) => {
    expect(() => parseOutput(text, false)).toThrow('--output can');
  });

  it('is for a Linux platform', () => {
    expect(architectureOf('linux/arm64')).toBe('arm64');
    expect(architectureOf(undefined)).toBeUndefined();
    for (const bad of ['arm64', 'windows/amd64', 'linux/', 'linux/A'])
      expect(() => architectureOf(bad)).toThrow('unknown platform');
  });
});

describe('a push', () => {
  async function registry(
    answer: (method: string, url: string) => [number, string?, Record<string, string>?],
  ) {
    const seen: string[] = [];
    const server = createServer((request, reply) => {
      const bytes: Buffer[] = [];
      request.on('data', (chunk) => bytes.push(chunk));
      request.on('end', () => {
        const { method = '', url = '' } = request;
        seen.push(`${method} ${url} ${Buffer.concat(bytes)}`);
        const [status, text = '', headers = {}] = answer(method, url);
        reply.writeHead(status, headers).end(text);
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createRegistryClient({ url, repository: 'guest/app', auth: 'a:b', insecure: false });
    const dispose = async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    };
    return { client, seen, [Symbol.asyncDispose]: dispose };
  }
  const digest = digestOf(Buffer.from('x'));

  it('sends a blob to the given location, in one request', async () => {
    await using test = await registry((method) =>
      method === 'POST' ? [202, '', { location: '/v2/guest/app/blobs/uploads/7?state=a' }] : [201],
    );
    await test.client.putBlob(digest, 1, () => Readable.from([Buffer.from('x')]));
    expect(test.seen).toEqual([
      'POST /v2/guest/app/blobs/uploads/ ',
      `PUT /v2/guest/app/blobs/uploads/7?state=a&digest=${encodeURIComponent(digest)} x`,
    ]);
  });

  it.each([
    [403, '{"errors":[{"code":"DENIED","message":"2 critical"}]}', 'PUSH_REFUSED', '2 critical'],
    [401, '', 'PUSH_REFUSED', 'refused'],
    [500, 'oh', 'PUSH_FAILED', 'answered 500'],
    [400, '{"errors":[{"message":"no such blob"}]}', 'PUSH_FAILED', 'no such blob'],
  ])('that is answered with %d %s is %s', async (status, text, code, message) => {
    await using test = await registry(() => [status, text]);
    await expect(test.client.putManifest('1', 'a/b', Buffer.from('{}'))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('fails if nothing listens', async () => {
    const client = createRegistryClient({
      ...{ url: 'http://127.0.0.1:1', repository: 'guest/app', auth: 'a:b', insecure: false },
    });
    await expect(client.hasBlob(digest)).rejects.toMatchObject({ code: 'PUSH_FAILED' });
  });
});
