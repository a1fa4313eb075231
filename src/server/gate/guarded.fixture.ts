/** The registry with its gate and a real scanner in a temporary folder, and images to push. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { pack } from 'tar-stream';
import { type Digest, digestOf } from '../../blobs/index.ts';
import { parseNamespaceName } from '../../functions/index.ts';
import {
  type Artifact,
  type GateEvent,
  type GateStore,
  generateKeyPair,
  openGateStore,
  readSigningKey,
  type SigningKey,
  signManifest,
} from '../../gate/index.ts';
import { configMediaType, manifestMediaType, ociArchitecture } from '../../images/index.ts';
import { silentLog } from '../../lib/index.ts';
import { advisoryInputs, importAdvisories } from '../../scanner/index.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { folderStores, type Stores } from '../stores/stores.ts';
import { type GuardedImages, type GuardedImagesOptions, openGuardedImages } from './guarded-images.ts';

export interface GateFolder extends AsyncDisposable {
  readonly dataDir: string;
  readonly imagesDir: string;
  readonly events: readonly GateEvent[];
  readonly url: string;
  readonly guarded: GuardedImages;
  policy(text: string): Promise<void>;
  vex(name: string, document: object): Promise<void>;
  advisories(...advisories: readonly object[]): Promise<void>;
  /** The audit log, as another process reads it. */
  audit(): ReturnType<GateStore['audit']>;
  call(method: string, path: string, body?: Buffer, type?: string): Promise<Response>;
  pushBlob(repository: string, content: Buffer): Promise<void>;
  /** Pushes all parts, then the manifest. */
  push(repository: string, reference: string, image: TestImage): Promise<Response>;
  attach(repository: string, artifact: Artifact): Promise<void>;
  /** The verdict on a call of a `blackbox` action in the namespace `guest`. */
  mayRun(image: string): Promise<{ readonly outcome: string; readonly summary: string }>;
  /** Closes the gate and opens it again, like another process. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface TestImage {
  readonly digest: Digest;
  readonly manifest: Buffer;
  readonly blobs: readonly Buffer[];
}

const emptyText = digestOf(Buffer.alloc(0));
const lookMs = 50;

interface PlaceOptions extends Pick<GuardedImagesOptions, 'pushedBlobs' | 'tellOthers'> {
  /** Absent: in the place's own folder. */
  readonly storesAt?: (dataDir: string) => Stores;
}

export async function openPlace(options: PlaceOptions = {}): Promise<GateFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-guarded-'));
  const dataDir = join(folder, 'data');
  const imagesDir = join(folder, 'images');
  const paths = gatePaths(dataDir);
  const events: GateEvent[] = [];
  const begin = () =>
    startGuarded({ dataDir, imagesDir, onChange: (event) => events.push(event), ...options });
  let running = await begin();
  const put = async (path: string, content: string) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  };
  const call: GateFolder['call'] = (method, path, body, type) =>
    fetch(new URL(path, running.url), {
      method,
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      headers: { authorization: 'Basic a2V5', ...(type === undefined ? {} : { 'content-type': type }) },
    });
  const pushBlob: GateFolder['pushBlob'] = async (repository, content) => {
    const path = `/v2/${repository}/blobs/uploads/?digest=${digestOf(content)}`;
    const { status } = await call('POST', path, content, 'application/octet-stream');
    if (status !== 201) throw new Error(`a blob was answered with ${status}`);
  };
  const place: GateFolder = {
    dataDir,
    imagesDir,
    events,
    get url() {
      return running.url;
    },
    get guarded() {
      return running.guarded;
    },
    policy: async (text) => void (await put(paths.policy, `form: 1\n${text}`)),
    vex: async (name, document) => void (await put(join(paths.vex, name), JSON.stringify(document))),
    async advisories(...advisories) {
      const text = advisories.map((each) => JSON.stringify(each)).join('\n');
      const inputs = await advisoryInputs(await put(join(folder, 'osv.ndjson'), text));
      await importAdvisories({ path: paths.advisories, inputs });
    },
    async audit() {
      await using store = await openGateStore({ path: paths.database });
      return await store.audit({ limit: 1000 });
    },
    call,
    pushBlob,
    async push(repository, reference, { blobs, manifest }) {
      for (const blob of blobs) await pushBlob(repository, blob);
      return call('PUT', `/v2/${repository}/manifests/${reference}`, manifest, manifestMediaType);
    },
    async attach(repository, { blobs, manifest, tag }) {
      for (const { content } of blobs) await pushBlob(repository, content);
      const path = `/v2/${repository}/manifests/${tag ?? manifest.digest}`;
      const { status } = await call('PUT', path, manifest.content, manifest.mediaType);
      if (status !== 201) throw new Error(`an attachment was answered with ${status}`);
    },
    mayRun: async (image) =>
      running.guarded.codeGate.mayRun(
        { kind: 'blackbox', image, digest: emptyText, owner: 'guest' },
        'guest',
      ),
    stop: () => running[Symbol.asyncDispose](),
    async start() {
      running = await begin();
    },
    async restart() {
      await place.stop();
      await place.start();
    },
    async [Symbol.asyncDispose]() {
      await place.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return place;
}

async function startGuarded({
  storesAt = folderStores,
  ...options
}: PlaceOptions & Pick<GuardedImagesOptions, 'dataDir' | 'imagesDir' | 'onChange'>) {
  await using stack = new AsyncDisposableStack();
  const apiHost = () => 'http://ward.test';
  const stores = storesAt(options.dataDir);
  const guarded = stack.use(await openGuardedImages({ ...options, stores, apiHost, lookMs, log: silentLog }));
  const app = fastify({ exposeHeadRoutes: false, forceCloseConnections: true });
  stack.defer(() => app.close());
  const guest = {
    namespace: parseNamespaceName('guest'),
    keyId: 'key 1',
    createdAt: 1000,
    scope: 'full',
  } as const;
  const key = randomBytes(32);
  guarded.registry({
    namespaces: { authenticate: () => guest, ownerOf: () => guest },
    tokenKeys: () => [key],
  })(app);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const opened = stack.move();
  return { guarded, url, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Path → content. */
export type Files = Readonly<Record<string, string>>;

/** One layer for each set of files, the lowest first. */
export async function imageWith(...layers: readonly Files[]): Promise<TestImage> {
  const tars = await Promise.all(layers.map((files) => tarOf(files)));
  return imageOf(
    tars.map((tar) => ({ bytes: gzipSync(tar), diffId: digestOf(tar) })),
    'application/vnd.oci.image.layer.v1.tar+gzip',
  );
}

export interface PackedLayer {
  readonly bytes: Buffer;
  /** The layer's diff id in the configuration. */
  readonly diffId: Digest;
}

export function imageOf(layers: readonly PackedLayer[], layerType: string): TestImage {
  const config = Buffer.from(
    JSON.stringify({
      architecture: ociArchitecture(),
      os: 'linux',
      config: { User: '1000', Entrypoint: ['/run'] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  );
  const describe = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestMediaType,
      config: describe(configMediaType, config),
      layers: layers.map(({ bytes }) => describe(layerType, bytes)),
    }),
  );
  return { digest: digestOf(manifest), manifest, blobs: [config, ...layers.map(({ bytes }) => bytes)] };
}

/** The same files give the same bytes. @param links hard links: path → target */
export async function tarOf(files: Files, links: Files = {}): Promise<Buffer> {
  const archive = pack();
  const common = { mode: 0o755, mtime: new Date(0) };
  for (const [name, content] of Object.entries(files)) archive.entry({ name, ...common }, content);
  for (const [name, linkname] of Object.entries(links)) {
    archive.entry({ name, type: 'link', linkname, ...common });
  }
  archive.finalize();
  return buffer(archive);
}

/** A package in the form that npm installs. */
export function lodash(version: string): Files {
  return { 'app/node_modules/lodash/package.json': JSON.stringify({ name: 'lodash', version }) };
}

/** An advisory in the form of GitHub's advisory database. */
export const lodashAdvisory = {
  id: 'GHSA-35jh-r3h4-6jhm',
  aliases: ['CVE-2021-23337'],
  modified: '2024-04-17T18:39:19Z',
  published: '2021-05-06T16:05:51Z',
  summary: 'Command Injection in lodash',
  affected: [
    {
      package: { ecosystem: 'npm', name: 'lodash' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '4.17.21' }] }],
    },
  ],
  database_specific: { severity: 'HIGH' },
} as const;

export interface Signer {
  readonly key: SigningKey;
  /** The key for a policy, named `release`. */
  readonly policyKey: string;
  signatureOf(image: Pick<TestImage, 'digest'>): Artifact;
}

export function createSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPair('secret');
  const key = readSigningKey(privateKey, 'secret');
  return {
    key,
    policyKey: `keys: { release: ${JSON.stringify(publicKey)} }`,
    signatureOf: ({ digest }) => signManifest({ digest, reference: 'ward.test/app', annotations: {} }, key),
  };
}
