/** A listening registry over a real store in a temporary folder, and content to push. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { digestOf } from '../blobs/index.ts';
import { openRegistryStore, type RegistryStore, type RegistryStoreLimits } from '../content/index.ts';
import { Fault, silentLog } from '../lib/index.ts';
import { createRegistry, type RegistryOptions } from './registry.ts';
import type { RegistryCaller, RegistryRight } from './types.ts';

export interface TestRegistry extends AsyncDisposable {
  readonly url: string;
  readonly store: RegistryStore;
  readonly dir: string;
  /** The callers, by `user:password`. */
  readonly callers: Map<string, RegistryCaller>;
  call(method: string, path: string, options?: CallOptions): Promise<HttpAnswer>;
  /** Uploads a blob in two requests. */
  pushBlob(repository: string, bytes: Buffer): Promise<string>;
  pushManifest(repository: string, reference: string, manifest: TestManifest): Promise<HttpAnswer>;
  /** Layers, configuration and manifest. */
  pushImage(repository: string, tag: string, layers?: readonly Buffer[]): Promise<TestManifest>;
}

interface CallOptions {
  /** `user:password`; null: no key. */
  readonly key?: string | null;
  readonly body?: Buffer | string | ReadableStream<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads the fields that it expects
  readonly body: any;
  /** The code of the first error. */
  readonly code: string;
}

export interface TestManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: string;
}

interface TestRegistryOptions extends Partial<Omit<RegistryOptions, 'store'>> {
  readonly storeLimits?: Partial<RegistryStoreLimits>;
}

export const guestKey = 'guest-id:guest-secret';
export const otherKey = 'other-id:other-secret';

export function callerOf(
  namespace: string,
  rights: readonly RegistryRight[] = ['pull', 'push'],
): RegistryCaller {
  return { namespace, keyId: `key of ${namespace}`, createdAt: 1000, may: (right) => rights.includes(right) };
}

export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const { storeLimits, ...more } = options;
  const dir = await mkdtemp(join(tmpdir(), 'ward-registry-'));
  const store = await openRegistryStore({ dir, ...(storeLimits ? { limits: storeLimits } : {}) });
  const callers = new Map([
    [guestKey, callerOf('guest')],
    [otherKey, callerOf('other')],
    ['system-id:secret', callerOf('whisk.system')],
  ]);
  let url = '';
  const app = fastify({ exposeHeadRoutes: false, forceCloseConnections: true });
  const tokenKey = randomBytes(32);
  createRegistry({
    store,
    tokenKeys: () => [tokenKey],
    log: silentLog,
    publicPrefixes: ['whisk.system/'],
    publicUrl: () => url,
    authenticate(header) {
      const caller = callers.get(Buffer.from(header?.replace(/^Basic /, '') ?? '', 'base64').toString());
      if (caller === undefined) throw new Fault('AUTHENTICATION_INVALID', 'unauthenticated', 'no such key');
      return caller;
    },
    ownerOf: (keyId) => [...callers.values()].find((caller) => caller.keyId === keyId),
    ...more,
  })(app);
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  const call = (method: string, path: string, callOptions: CallOptions = {}) =>
    callRegistry(url, method, path, callOptions);
  const registry: TestRegistry = {
    url,
    store,
    dir,
    callers,
    call,
    async pushBlob(repository, bytes) {
      const begun = await call('POST', `/v2/${repository}/blobs/uploads/`);
      const digest = digestOf(bytes);
      await call('PUT', `${begun.headers.get('location')}?digest=${digest}`, { body: bytes });
      return digest;
    },
    pushManifest: (repository, reference, { bytes, mediaType }) =>
      call('PUT', `/v2/${repository}/manifests/${reference}`, {
        body: bytes,
        headers: { 'content-type': mediaType },
      }),
    async pushImage(repository, tag, layers = [randomBytes(100)]) {
      const image = imageOf(layers);
      for (const blob of image.blobs) await registry.pushBlob(repository, blob);
      await registry.pushManifest(repository, tag, image);
      return image;
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
  return registry;
}

async function callRegistry(
  url: string,
  method: string,
  path: string,
  options: CallOptions,
): Promise<HttpAnswer> {
  const { key = guestKey, body, headers = {} } = options;
  const response = await fetch(new URL(path, url), {
    method,
    redirect: 'manual',
    headers: {
      ...(key === null ? {} : { authorization: `Basic ${Buffer.from(key).toString('base64')}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body, duplex: 'half' }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    text: bytes.toString(),
    get body() {
      return JSON.parse(bytes.toString());
    },
    get code() {
      return String(JSON.parse(bytes.toString()).errors[0].code);
    },
  };
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

export function descriptorOf(bytes: Buffer, mediaType: string) {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

export function manifestOf(value: object, mediaType: string = manifestType): TestManifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...value }));
  return { bytes, mediaType, digest: digestOf(bytes) };
}

/** A gzipped image of these layers; `blobs` are its parts. */
export function imageOf(
  layers: readonly Buffer[],
  more: object = {},
): TestManifest & { readonly blobs: readonly Buffer[] } {
  const packed = layers.map((layer) => gzipSync(layer));
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Cmd: ['/run'] },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => digestOf(layer)) },
    }),
  );
  const manifest = manifestOf({
    config: descriptorOf(config, 'application/vnd.oci.image.config.v1+json'),
    layers: packed.map((layer) => descriptorOf(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')),
    ...more,
  });
  return { ...manifest, blobs: [config, ...packed] };
}

export function indexOf(manifests: readonly TestManifest[], more: object = {}): TestManifest {
  return manifestOf(
    { manifests: manifests.map(({ bytes, mediaType }) => descriptorOf(bytes, mediaType)), ...more },
    indexType,
  );
}
