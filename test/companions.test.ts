/** Referrers of an image in the registry, when a user pushes very many of them. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { digestOf, parseDigest } from '../src/blobs/index.ts';
import { type ArtifactLayer, bundleMediaType } from '../src/gate/index.ts';
import { silentLog } from '../src/lib/index.ts';
import { callerOf, guestKey, startRegistry, type TestRegistry } from '../src/registry/registry.fixture.ts';
import { openPushedBases } from '../src/server/gate/pushed-bases.ts';

async function attach(
  registry: TestRegistry,
  repository: string,
  subject: string,
  text: string,
  times = 1,
): Promise<string> {
  const config = Buffer.from('{}');
  const content = Buffer.from(text);
  for (const bytes of [config, content]) await registry.pushBlob(repository, bytes);
  const described = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      artifactType: bundleMediaType,
      config: described('application/vnd.oci.empty.v1+json', config),
      layers: Array.from({ length: times }, (_, at) => ({
        ...described(bundleMediaType, content),
        annotations: { at: `${at}` },
      })),
      subject: { mediaType, digest: subject, size: 1 },
    }),
  );
  const digest = digestOf(bytes);
  expect((await registry.pushManifest(repository, digest, { bytes, mediaType, digest })).status).toBe(201);
  return digest;
}

/** Inserts the rows of ten thousand pushes, whose manifests all share one file. */
function crowd(dir: string, repository: string, digest: string, artifactType: string): void {
  using db = new DatabaseSync(join(dir, 'registry.db'));
  const copy = db.prepare(
    `insert into manifests (repository, digest, namespace, media_type, size, depth, subject, artifact_type,
       annotations, touched_at)
     select repository, ?, namespace, media_type, size, depth, subject, ?, annotations, touched_at
       from manifests where repository = ? and digest = ?`,
  );
  db.exec('begin');
  for (let count = 0; count < 10_000; count++) {
    // Sorts before all real digests.
    copy.run(`sha256:${'0'.repeat(24)}${randomBytes(20).toString('hex')}`, artifactType, repository, digest);
  }
  db.exec('commit');
}

const texts = (layers: readonly ArtifactLayer[]) => layers.map(({ content }) => content.toString());

test('ten thousand referrers of other types do not hide a bundle', async () => {
  await using registry = await startRegistry();
  const { digest } = await registry.pushImage('guest/app', 'v1');
  const bundle = await attach(registry, 'guest/app', digest, 'the bundle');
  crowd(registry.dir, 'guest/app', bundle, 'text/plain');
  const layers = await openPushedBases(registry.store, silentLog).companions(parseDigest(digest));
  expect(texts(layers)).toEqual(['the bundle']);
});

test('only the first of many bundles of a manifest are read', async () => {
  await using registry = await startRegistry();
  const { digest } = await registry.pushImage('guest/app', 'v1');
  await attach(registry, 'guest/app', digest, 'one of many', 200);
  const layers = await openPushedBases(registry.store, silentLog).companions(parseDigest(digest));
  expect(layers).toHaveLength(128);
});

test('ten thousand bundles hit a limit, and hide nothing of another repository', async () => {
  await using registry = await startRegistry();
  const { digest } = await registry.pushImage('guest/app', 'v1');
  await registry.pushImage('guest/crowded', 'v1');
  await attach(registry, 'guest/app', digest, 'the bundle');
  const copied = await attach(registry, 'guest/crowded', digest, 'one of many');
  crowd(registry.dir, 'guest/crowded', copied, bundleMediaType);
  let read = 0;
  const counting = {
    ...registry.store,
    readManifest: (manifest: Parameters<typeof registry.store.readManifest>[0]) => {
      read += 1;
      return registry.store.readManifest(manifest);
    },
  };
  const layers = await openPushedBases(counting, silentLog).companions(parseDigest(digest));
  expect(texts(layers)).toContain('the bundle');
  expect(read).toBeLessThanOrEqual(100);
});

test('a tenant whose repositories are older hides no bundle of another one', async () => {
  await using registry = await startRegistry();
  const layer = Buffer.from('a layer');
  registry.callers.set(guestKey, callerOf('other'));
  for (const repository of ['other/a', 'other/b', 'other/c']) {
    const { digest } = await registry.pushImage(repository, 'v1', [layer]);
    await attach(registry, repository, digest, `one of many in ${repository}`, 128);
    await attach(registry, repository, digest, `${'long '.repeat(1.5 * 1024 * 1024)}${repository}`);
  }
  registry.callers.set(guestKey, callerOf('guest'));
  const { digest } = await registry.pushImage('guest/app', 'v1', [layer]);
  await attach(registry, 'guest/app', digest, 'the bundle');
  const layers = await openPushedBases(registry.store, silentLog).companions(parseDigest(digest));
  expect(layers.length).toBeLessThanOrEqual(128);
  expect(texts(layers)).toContain('the bundle');
});
