import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blobPath, openBlobStore } from '../../blobs/index.ts';
import { mustRun, runCommand } from '../../lib/index.ts';
import { tarOf, temporaryFolder, writeTestImage } from '../images.fixture.ts';
import { putDocument, readImage, readIndex, refNameOf, tagManifest } from './layout.ts';
import { type Descriptor, indexMediaType, manifestMediaType } from './schema.ts';

const hasSkopeo = (await runCommand(['skopeo', '--version']).catch(() => undefined))?.code === 0;
const layout = new URL('./layout.ts', import.meta.url).href;

async function namesIn(dir: string): Promise<(string | undefined)[]> {
  return ((await readIndex(dir))?.manifests ?? []).map(refNameOf);
}

describe('an image layout', () => {
  it('has the form of the specification', async () => {
    await using folder = await temporaryFolder();
    const entry = await writeTestImage(folder.path, { tag: 'a:1', layers: [await tarOf([])] });
    expect(JSON.parse(await readFile(join(folder.path, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
    expect(JSON.parse(await readFile(join(folder.path, 'index.json'), 'utf8'))).toMatchObject({
      schemaVersion: 2,
      mediaType: indexMediaType,
      manifests: [
        {
          mediaType: manifestMediaType,
          digest: entry.digest,
          annotations: { 'org.opencontainers.image.ref.name': 'a:1' },
        },
      ],
    });
  });

  it.runIf(hasSkopeo)('is read by skopeo', async () => {
    await using folder = await temporaryFolder();
    const layers = [await tarOf([{ name: 'a', content: 'b' }])];
    for (const packing of ['gzip', 'zstd', 'none'] as const) {
      const { digest } = await writeTestImage(folder.path, { tag: `app:${packing}`, layers, packing });
      const said = await mustRun(['skopeo', 'inspect', `oci:${folder.path}:app:${packing}`]);
      expect(JSON.parse(said)).toMatchObject({ Digest: digest, Os: 'linux', Labels: { colour: 'green' } });
    }
  });

  it.runIf(hasSkopeo)('that skopeo wrote is read', async () => {
    await using folder = await temporaryFolder();
    await writeTestImage(join(folder.path, 'from'), { tag: 'x', layers: [await tarOf([])] });
    await mustRun(['skopeo', 'copy', '-q', `oci:${folder.path}/from:x`, `oci:${folder.path}/to:y`]);
    const [entry] = (await readIndex(join(folder.path, 'to')))?.manifests ?? [];
    const image = entry && (await readImage(join(folder.path, 'to'), entry));
    expect(image?.config.config?.Env).toEqual(['A=b']);
  });

  it('moves a name to the newest image', async () => {
    await using folder = await temporaryFolder();
    await writeTestImage(folder.path, { tag: 'a', layers: [] });
    await writeTestImage(folder.path, { tag: 'b', layers: [] });
    const newest = await writeTestImage(folder.path, { tag: 'a', layers: [await tarOf([])] });
    expect(await namesIn(folder.path)).toEqual(['b', 'a']);
    expect((await readIndex(folder.path))?.manifests[1]?.digest).toBe(newest.digest);
  });

  it('loses no name when several processes write at once', async () => {
    await using folder = await temporaryFolder();
    const entry = await writeTestImage(folder.path, { tag: 'first', layers: [] });
    const script = `
      const { tagManifest } = await import(${JSON.stringify(layout)});
      const [dir, entry, prefix] = process.argv.slice(1);
      for (let at = 0; at < 15; at++) await tagManifest(dir, JSON.parse(entry), [prefix + at]);`;
    const run = (prefix: string) =>
      mustRun([
        process.execPath,
        '--input-type=module',
        '-e',
        script,
        folder.path,
        JSON.stringify(entry),
        prefix,
      ]);
    await Promise.all([run('a'), run('b'), tagManifest(folder.path, entry, ['c'])]);
    expect(new Set(await namesIn(folder.path)).size).toBe(32);
  });
});

describe('a foreign image layout', () => {
  it('is narrowed to this architecture', async () => {
    await using folder = await temporaryFolder();
    const mine = await writeTestImage(folder.path, { tag: 'mine', layers: [] });
    const other = await writeTestImage(folder.path, { tag: 'other', layers: [], architecture: 's390x' });
    for (const mediaType of [indexMediaType, 'application/vnd.docker.distribution.manifest.list.v2+json']) {
      const index = { schemaVersion: 2, mediaType, manifests: [other, mine] };
      const entry = await putDocument(folder.path, mediaType, index);
      expect((await readImage(folder.path, entry)).digest).toBe(mine.digest);
    }
    const lacking = await putDocument(folder.path, indexMediaType, { schemaVersion: 2, manifests: [other] });
    await expect(readImage(folder.path, lacking)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('linux/s390x'),
    });
  });

  const damages: readonly [string, (dir: string, entry: Descriptor) => Promise<unknown>][] = [
    ['lacks a manifest', (dir, entry) => rm(blobPath(dir, entry.digest))],
    ['has another manifest', (dir, entry) => writeFile(blobPath(dir, entry.digest), '{}'.padEnd(entry.size))],
    ['has a longer manifest', (dir, entry) => writeFile(blobPath(dir, entry.digest), '{}')],
    [
      'has a folder for a manifest',
      async (dir, entry) => {
        await rm(blobPath(dir, entry.digest));
        await mkdir(blobPath(dir, entry.digest));
      },
    ],
    [
      'has a device for a manifest',
      async (dir, entry) => {
        await rm(blobPath(dir, entry.digest));
        await symlink('/dev/zero', blobPath(dir, entry.digest));
      },
    ],
    ['has a huge manifest', (dir, entry) => writeFile(blobPath(dir, entry.digest), Buffer.alloc(5_000_000))],
  ];

  it.each(damages)('that %s is refused', async (_what, damage) => {
    await using folder = await temporaryFolder();
    const entry = await writeTestImage(folder.path, { tag: 'a', layers: [] });
    await damage(folder.path, entry);
    await expect(readImage(folder.path, entry)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it.each([
    ['text', 'hello'],
    ['another version', '{"schemaVersion":1,"manifests":[]}'],
    ['no list', '{"schemaVersion":2}'],
    [
      'a digest that climbs out',
      `{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:../../x","size":1}]}`,
    ],
    [
      'a negative size',
      `{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:${'0'.repeat(64)}","size":-1}]}`,
    ],
  ])('whose index is %s is refused', async (_what, text) => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'index.json'), text);
    await expect(readIndex(folder.path)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('whose manifest is not a manifest is refused', async () => {
    await using folder = await temporaryFolder();
    const digest = await openBlobStore(folder.path).put(Buffer.from('[1]'));
    const entry = { mediaType: manifestMediaType, digest, size: 3 };
    await expect(readImage(folder.path, entry)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });
});
