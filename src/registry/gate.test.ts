import { describe, expect, it } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import { Fault } from '../lib/index.ts';
import {
  imageOf,
  indexOf,
  manifestType,
  startRegistry,
  type TestManifest,
  type TestRegistry,
} from './registry.fixture.ts';
import type { PushedManifest } from './types.ts';

const denied = (message: string) => new Fault('GATE_DENIED', 'denied', message, { hint: 'see the report' });

interface Judged extends TestRegistry {
  /** The gate's calls about blobs. */
  readonly blobs: string[];
  readonly uploadsBegun: () => number;
  readonly pushes: PushedManifest[];
}

type Judge = (push: PushedManifest) => Promise<void> | void;

async function judged(judge: Judge, warnings?: readonly string[]): Promise<Judged> {
  const blobs: string[] = [];
  let uploads = 0;
  const pushes: PushedManifest[] = [];
  const registry = await startRegistry({
    gate: {
      uploadBegun: () => void uploads++,
      blobArrived: (repository, digest) => void blobs.push(`${repository} ${digest}`),
      manifestAccepted: async () => {},
      manifestDeleted: async () => {},
      async manifestArrived(push) {
        pushes.push(push);
        await judge(push);
        return warnings;
      },
    },
  });
  return { ...registry, blobs, pushes, uploadsBegun: () => uploads };
}

async function pushBlobs(registry: TestRegistry, repository: string, image: ReturnType<typeof imageOf>) {
  for (const blob of image.blobs) await registry.pushBlob(repository, blob);
}

describe('the gate', () => {
  it('gets each upload and blob, and the manifest with its content', async () => {
    await using registry = await judged(() => {});
    const image = imageOf([Buffer.from('a layer')], {
      subject: { mediaType: manifestType, digest: `sha256:${'a'.repeat(64)}`, size: 1 },
    });
    await pushBlobs(registry, 'guest/app', image);
    expect(registry.blobs).toHaveLength(2);
    await registry.pushManifest('guest/app', 'v1', image);
    expect(registry.pushes).toEqual([
      {
        namespace: 'guest',
        keyId: 'key of guest',
        repository: 'guest/app',
        reference: 'v1',
        tags: ['v1'],
        digest: image.digest,
        mediaType: manifestType,
        bytes: image.bytes,
        document: expect.objectContaining({ digest: image.digest }),
        subject: `sha256:${'a'.repeat(64)}`,
        artifactType: undefined,
      },
    ]);
    const { digest = '' } = JSON.parse(image.bytes.toString()).config;
    await registry.call('POST', `/v2/guest/second/blobs/uploads/?mount=${digest}&from=guest/app`);
    expect(registry.blobs.at(-1)).toBe(`guest/second ${digest}`);
    expect(registry.uploadsBegun()).toBe(2);
  });

  it('warns in a header that no text can escape', async () => {
    const warnings = ['no advisories: say "so"', 'a\r\nset-cookie: b=\\ \u2019', 'x'.repeat(5000)];
    await using registry = await judged(() => {}, warnings);
    const image = imageOf([Buffer.from('a layer')]);
    await pushBlobs(registry, 'guest/app', image);
    const answer = await registry.pushManifest('guest/app', 'v1', image);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('warning')).toBe(
      [`299 - "no advisories: say 'so'"`, `299 - "a??set-cookie: b=' ?"`, `299 - "${'x'.repeat(1000)}"`].join(
        ', ',
      ),
    );
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  it('keeps no refused manifest, by tag or by digest, and does not move its tag', async () => {
    const refused = new Set<string>();
    await using registry = await judged(({ digest }) => {
      if (refused.has(digest)) throw denied('2 critical:\n CVE-1, CVE-2');
    });
    const good = await registry.pushImage('guest/app', 'v1');
    const bad = imageOf([Buffer.from('bad')]);
    refused.add(bad.digest);
    for (const reference of ['v1', bad.digest]) {
      await pushBlobs(registry, 'guest/app', bad);
      const answer = await registry.pushManifest('guest/app', reference, bad);
      expect(answer).toMatchObject({ status: 403, code: 'DENIED' });
      expect(answer.body.errors[0].message).toBe('2 critical: CVE-1, CVE-2; see the report');
    }
    expect((await registry.call('GET', '/v2/guest/app/manifests/v1')).bytes).toEqual(good.bytes);
    expect((await registry.call('GET', `/v2/guest/app/manifests/${bad.digest}`)).status).toBe(404);
    expect((await registry.call('GET', `/v2/guest/app/blobs/${bad.digest}`)).status).toBe(404);
    expect(await registry.pushManifest('guest/app', 'all', indexOf([good, bad]))).toMatchObject({
      status: 400,
      code: 'MANIFEST_BLOB_UNKNOWN',
    });
    const subject = `/v2/guest/app/referrers/${bad.digest}`;
    expect((await registry.call('GET', subject)).body.manifests).toEqual([]);
  });

  it('that fails accepts nothing, and does not reveal why', async () => {
    await using registry = await judged(() => {
      throw new Error('a secret of the inside');
    });
    const image = imageOf([]);
    await pushBlobs(registry, 'guest/app', image);
    const answer = await registry.pushManifest('guest/app', 'v1', image);
    expect(answer).toMatchObject({ status: 500, code: 'UNKNOWN' });
    expect(answer.text).not.toContain('secret');
    expect((await registry.call('GET', `/v2/guest/app/manifests/${image.digest}`)).status).toBe(404);
  });

  it('that is busy asks the client to retry', async () => {
    await using registry = await judged(() => {
      throw new Fault('GATE_BUSY', 'busy', 'too many scans', { retryAfterMs: 1500 });
    });
    const image = imageOf([]);
    await pushBlobs(registry, 'guest/app', image);
    const answer = await registry.pushManifest('guest/app', 'v1', image);
    expect([answer.status, answer.code, answer.headers.get('retry-after')]).toEqual([
      503,
      'UNAVAILABLE',
      '2',
    ]);
  });

  it('is not asked about invalid or incomplete manifests', async () => {
    await using registry = await judged(() => {});
    const image = imageOf([Buffer.from('missing')]);
    expect((await registry.pushManifest('guest/app', 'v1', image)).code).toBe('MANIFEST_BLOB_UNKNOWN');
    const broken: TestManifest = { ...image, bytes: Buffer.from('{') };
    expect((await registry.pushManifest('guest/app', 'v1', broken)).code).toBe('MANIFEST_INVALID');
    expect(registry.pushes).toEqual([]);
  });

  it('hides a manifest while it judges it, and refuses it if a blob is deleted meanwhile', async () => {
    const judging = Promise.withResolvers<void>();
    const verdict = Promise.withResolvers<void>();
    await using registry = await judged(async () => {
      judging.resolve();
      await verdict.promise;
    });
    const image = imageOf([Buffer.from('slow')]);
    await pushBlobs(registry, 'guest/app', image);
    const pushing = registry.pushManifest('guest/app', 'v1', image);
    await judging.promise;
    expect((await registry.call('GET', '/v2/guest/app/manifests/v1')).status).toBe(404);
    const { layers } = JSON.parse(image.bytes.toString());
    expect((await registry.call('DELETE', `/v2/guest/app/blobs/${layers[0].digest}`)).status).toBe(202);
    verdict.resolve();
    expect((await pushing).code).toBe('MANIFEST_BLOB_UNKNOWN');
    expect((await registry.call('GET', '/v2/guest/app/manifests/v1')).status).toBe(404);
  });

  it('judges two pushes of one tag at once: the tag names the last accepted one', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const images = [imageOf([Buffer.from('first')]), imageOf([Buffer.from('second')])];
    await using registry = await judged(async ({ digest }) => {
      const at = images.findIndex((image) => image.digest === digest);
      arrived[at]?.resolve();
      await gates[at]?.promise;
    });
    for (const image of images) await pushBlobs(registry, 'guest/app', image);
    const pushes = images.map((image) => registry.pushManifest('guest/app', 'latest', image));
    await Promise.all(arrived.map(({ promise }) => promise));
    gates[1]?.resolve();
    expect((await pushes[1])?.status).toBe(201);
    expect((await registry.call('GET', '/v2/guest/app/manifests/latest')).bytes).toEqual(images[1]?.bytes);
    gates[0]?.resolve();
    expect((await pushes[0])?.status).toBe(201);
    expect((await registry.call('GET', '/v2/guest/app/manifests/latest')).bytes).toEqual(images[0]?.bytes);
  });

  it('removes refused content: every blob, in each repository of the namespace that does not need it', async () => {
    await using registry = await judged(({ reference }) => {
      if (reference === 'bad') throw denied('no');
    });
    const shared = Buffer.from('a layer that a good image has, too');
    const bad = imageOf([shared, Buffer.from('a bad layer')]);
    const good = imageOf([shared]);
    await pushBlobs(registry, 'guest/other', bad);
    await pushBlobs(registry, 'guest/app', bad);
    await pushBlobs(registry, 'guest/app', good);
    await registry.pushManifest('guest/app', 'good', good);
    expect((await registry.pushManifest('guest/app', 'bad', bad)).status).toBe(403);
    const statuses = async (repository: string) =>
      Promise.all(
        bad.blobs.map(
          async (blob) => (await registry.call('GET', `/v2/${repository}/blobs/${digestOf(blob)}`)).status,
        ),
      );
    // The configuration, the shared layer and the bad layer.
    expect(await statuses('guest/app')).toEqual([404, 200, 404]);
    expect(await statuses('guest/other')).toEqual([404, 404, 404]);
    const mounted = await registry.call(
      'POST',
      `/v2/guest/new/blobs/uploads/?mount=${digestOf(bad.blobs.at(-1) ?? shared)}`,
    );
    expect(mounted.status).toBe(202);
    // The whole image can be pushed again.
    await pushBlobs(registry, 'guest/app', bad);
    expect((await registry.pushManifest('guest/app', 'mended', bad)).status).toBe(201);
  });

  it('shows unjudged blobs only to users who can push them', async () => {
    await using registry = await judged(() => {});
    const image = imageOf([Buffer.from('a layer')]);
    const system = { key: 'system-id:secret' };
    const digest = digestOf(image.blobs[1] ?? Buffer.alloc(0));
    const path = `/v2/whisk.system/app/blobs/${digest}`;
    const mount = `/v2/guest/app/blobs/uploads/?mount=${digest}&from=whisk.system/app`;
    for (const body of image.blobs) {
      const begun = `/v2/whisk.system/app/blobs/uploads/?digest=${digestOf(body)}`;
      expect((await registry.call('POST', begun, { ...system, body })).status).toBe(201);
    }
    const seen = async () => [
      (await registry.call('GET', path, system)).status,
      (await registry.call('GET', path)).status,
      (await registry.call('POST', mount)).status,
    ];
    expect(await seen()).toEqual([200, 404, 202]);
    const put = '/v2/whisk.system/app/manifests/v1';
    const headers = { 'content-type': manifestType };
    expect((await registry.call('PUT', put, { ...system, body: image.bytes, headers })).status).toBe(201);
    expect(await seen()).toEqual([200, 200, 201]);
  });
});
