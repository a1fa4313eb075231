import { existsSync } from 'node:fs';
import { readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import { mostFindings, mostPackages } from './limits.ts';
import { inspectorsFor } from './processes/inspectors.fixture.ts';
import { startDirectly } from './processes/start-program.ts';
import {
  filesTar,
  imageOf,
  passwordInspector,
  plainConfig,
  tarOf,
  temporaryFolder,
} from './scanner.fixture.ts';
import { app, base, idsOf, layFiles, matcherOf, module, scannerWith, zipOf } from './scans.fixture.ts';
import { layoutSource } from './sources/layout.ts';

const wardImages = process.env['WARD_IMAGES'] ?? '/var/lib/ward/images';
describe.each([
  ['in this process', inspectorsFor()],
  ['in processes', { module }],
] as const)('a scanner %s', (_where, inspectors) => {
  it('reports what is in an image, and what is wrong with it', async () => {
    await using scanner = scannerWith({ inspectors });
    const history = [
      { createdBy: 'ADD base', emptyLayer: false },
      { createdBy: 'ENV A=b', emptyLayer: true },
      { createdBy: 'COPY app', emptyLayer: false },
    ];
    const image = imageOf([base, app], { history });
    const report = await scanner.scanImage(image);
    expect(report).toMatchObject({
      form: 1,
      target: { name: 'app:1', kind: 'image', digest: image.digest },
      scannedAt: '2026-01-02T03:04:05.000Z',
      inventory: {
        distribution: { id: 'debian', versionId: '13' },
        layers: [
          { diffId: digestOf(base), createdBy: 'ADD base' },
          { diffId: digestOf(app), createdBy: 'COPY app' },
        ],
        gaps: [],
      },
      suppressed: [],
      advisories: { revision: '1' },
    });
    expect(report.inventory.components.map(({ purl, places }) => [purl, places[0]?.layer])).toEqual([
      ['pkg:deb/debian/libc6@2.41-1?distro=debian-13', digestOf(base)],
      ['pkg:npm/lodash@4.17.20', digestOf(app)],
    ]);
    expect(idsOf(report)).toEqual(['CVE-lodash', 'password']);
  });

  it('reads a layer once for all callers, and does not read a cached one', async () => {
    await using folder = await temporaryFolder();
    const image = imageOf([base, app]);
    let opened = 0;
    const layers = image.layers.map((layer) => ({
      ...layer,
      open: () => {
        opened++;
        return layer.open();
      },
    }));
    const cacheDir = join(folder.path, 'cache');
    {
      await using scanner = scannerWith({ inspectors, cacheDir });
      const [first] = layers;
      if (first === undefined) throw new Error('no layer');
      await Promise.all([scanner.scanLayer(first), scanner.scanLayer(first)]);
      expect(opened).toBe(1);
      await scanner.scanImage({ ...image, layers });
      expect(opened).toBe(2);
    }
    await using again = scannerWith({ inspectors, cacheDir });
    const report = await again.scanImage({ ...image, layers });
    expect(opened).toBe(2);
    expect(idsOf(report)).toEqual(['CVE-lodash', 'password']);
    expect(await readdir(cacheDir)).toHaveLength(2);
  });

  it('refuses an image whose layer has another diff id, even if the layer is cached', async () => {
    await using folder = await temporaryFolder();
    await using scanner = scannerWith({ inspectors, cacheDir: folder.path });
    const image = imageOf([base, app]);
    await scanner.scanImage(image);
    const layers = image.layers.map((layer) => ({ ...layer, diffId: digestOf('other') }));
    await expect(scanner.scanImage({ ...image, layers })).rejects.toMatchObject({ code: 'LAYER_MISMATCH' });
  });

  it('refuses an image whose layer was read before the manifest, and has another diff id', async () => {
    await using folder = await temporaryFolder();
    await using scanner = scannerWith({ inspectors, cacheDir: folder.path });
    const image = imageOf([base]);
    for (const { digest } of image.layers) {
      const open = async () => Readable.from([gzipSync(app)]);
      await scanner.scanLayer({ digest, open, isVerified: true });
    }
    await expect(scanner.scanImage(image)).rejects.toMatchObject({ code: 'LAYER_MISMATCH' });
  });

  it('refuses an image whose layer has another digest', async () => {
    await using scanner = scannerWith({ inspectors });
    const image = imageOf([base]);
    const layers = image.layers.map((layer) => ({
      ...layer,
      open: async () => Readable.from([gzipSync(app)]),
    }));
    await expect(scanner.scanImage({ ...image, layers })).rejects.toMatchObject({ code: 'LAYER_MISMATCH' });
  });

  it('fails with the error of opening a layer', async () => {
    await using scanner = scannerWith({ inspectors });
    const image = imageOf([base]);
    const open = async () => Promise.reject(new Error('the disk is gone'));
    const layers = image.layers.map((layer) => ({ ...layer, open }));
    await expect(scanner.scanImage({ ...image, layers })).rejects.toThrow('the disk is gone');
  });

  it('reports a layer that can’t be read as a gap', async () => {
    await using scanner = scannerWith({ inspectors });
    const broken = Buffer.alloc(5000, 'hello');
    const report = await scanner.scanImage(imageOf([broken, app]));
    expect(report.inventory.gaps).toEqual([
      { path: '', reason: expect.stringContaining('not a valid tar archive') },
    ]);
    expect(idsOf(report)).toEqual(['CVE-lodash', 'password']);
    const encrypted = imageOf([app]);
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted';
    const layers = encrypted.layers.map((layer) => ({ ...layer, mediaType }));
    const other = await scanner.scanImage({ ...encrypted, layers });
    expect(other.inventory.gaps).toEqual([
      { path: '', reason: expect.stringContaining('type that Ward does not read') },
    ]);
  });

  it('reads layers that are files by itself', async () => {
    await using folder = await temporaryFolder();
    await using scanner = scannerWith({ inspectors });
    const file = join(folder.path, 'layer');
    await writeFile(file, gzipSync(app));
    const image = imageOf([app]);
    const layers = image.layers.map((layer) => ({ ...layer, file }));
    expect(idsOf(await scanner.scanImage({ ...image, layers }))).toEqual(['CVE-lodash', 'password']);
  });

  it('is stopped by an abort, and continues with the next scan', async () => {
    await using scanner = scannerWith({ inspectors });
    const controller = new AbortController();
    const image = imageOf([app]);
    const layers = image.layers.map((layer) => ({
      ...layer,
      open: async () => {
        controller.abort(new Error('enough'));
        return new Promise<never>(() => undefined);
      },
    }));
    const scanning = scanner.scanImage({ ...image, layers }, { signal: controller.signal });
    await expect(scanning).rejects.toThrow('enough');
    expect(idsOf(await scanner.scanImage(image))).toEqual(['CVE-lodash', 'password']);
  });

  it('scans a folder, without following links out of it', async () => {
    await using folder = await temporaryFolder();
    await using scanner = scannerWith({ inspectors, start: startDirectly([folder.path]) });
    const root = join(folder.path, 'root');
    await layFiles(folder.path, { 'outside/.env': 'hunter2' });
    await layFiles(root, {
      'node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.20"}',
      'deep/er/.env': 'hunter2',
    });
    await symlink('../outside', join(root, 'link'));
    await symlink(join(folder.path, 'outside/.env'), join(root, 'file'));
    const report = await scanner.scanFolder(root, 'project');
    expect(report.target).toEqual({ name: 'project', kind: 'folder' });
    expect(report.findings.map(({ id, places }) => [id, places])).toEqual([
      ['CVE-lodash', [{ path: 'node_modules/lodash/package.json' }]],
      ['password', [{ path: 'deep/er/.env' }]],
    ]);
    await expect(scanner.scanFolder(join(root, 'nothing'), 'x')).rejects.toThrow();
  });

  it('scans function code: one file, or a zip', async () => {
    await using scanner = scannerWith({ inspectors });
    const options = { name: 'hello', kind: 'nodejs:24' };
    const text = await scanner.scanCode(Buffer.from('const password = "hunter2"'), options);
    expect(text.target).toMatchObject({ name: 'hello', kind: 'code' });
    expect(text.findings.map(({ places }) => places)).toEqual([[{ path: 'index.js' }]]);
    const zip = await zipOf({
      'index.js': '',
      './node_modules/lodash/package.json': '{"name":"lodash","version":"4.17.20"}',
    });
    expect(idsOf(await scanner.scanCode(zip, options))).toEqual(['CVE-lodash']);
  });

  it('inspects the configuration, and an inspector that fails is a gap', async () => {
    await using scanner = scannerWith({ inspectors });
    const report = await scanner.scanImage(imageOf([base], { ...plainConfig, user: 'root' }));
    expect(idsOf(report)).toEqual(['root']);
    expect(report.inventory.gaps).toEqual([{ path: '', reason: 'failing: out of order' }]);
  });
});

describe('an image', () => {
  it('with more names than can be held is a gap', async () => {
    await using scanner = scannerWith();
    const folder = `${'d'.repeat(250)}/`.repeat(7);
    const crowd = await tarOf(
      Array.from({ length: 1000 }, (_, at) => ({ name: `${folder}${at}`, content: '' })),
    );
    const most = await scanner.scanImage(imageOf(Array.from({ length: 28 }, () => crowd)));
    expect(most.inventory.gaps).toEqual([]);
    const more = await scanner.scanImage(imageOf(Array.from({ length: 29 }, () => crowd)));
    expect(more.inventory.gaps).toEqual([{ path: '', reason: expect.stringContaining('too many files') }]);
  });

  it('with more packages than are kept is a gap', async () => {
    await using scanner = scannerWith();
    const crowd = (from: number, count: number) => {
      const pins = Array.from({ length: count }, (_, at) => `package-${from + at}==1.0\n`);
      return filesTar({ [`${from}/requirements.txt`]: pins.join('') });
    };
    const layers = [await crowd(0, mostPackages - 1), await crowd(mostPackages, 1)];
    const most = await scanner.scanImage(imageOf(layers));
    expect(most.inventory.gaps).toEqual([]);
    expect(most.inventory.components).toHaveLength(mostPackages);
    const more = await scanner.scanImage(imageOf([...layers, await crowd(2 * mostPackages, 1)]));
    expect(more.inventory.gaps).toEqual([{ path: '', reason: expect.stringContaining('too many packages') }]);
    const one = await scanner.scanImage(imageOf([await crowd(0, mostPackages + 1)]));
    expect(one.inventory.gaps).toEqual([
      { path: '0/requirements.txt', reason: expect.stringContaining(`more than ${mostPackages} packages`) },
    ]);
  });

  it('with more findings by advisories than are kept is a gap, until there are fewer', async () => {
    const { match, ...plain } = matcherOf(['lodash']);
    const many = Array.from({ length: mostFindings + 1 });
    await using told = scannerWith({
      matcher: {
        ...plain,
        match: (components, distribution) => many.flatMap(() => match(components, distribution)),
      },
    });
    const report = await told.scanImage(imageOf([app]));
    expect(report.findings.filter(({ class: each }) => each === 'vulnerability')).toHaveLength(mostFindings);
    expect(report.inventory.gaps).toEqual([{ path: '', reason: expect.stringContaining('advisories say') }]);
    expect(await told.rejudge(report)).toEqual(report);
    await using after = scannerWith({ matcher: { ...plain, match } });
    expect((await after.rejudge(report)).inventory.gaps).toEqual([]);
  });
});

describe('a report', () => {
  it('is judged again by the current advisories only', async () => {
    const tars = [await tarOf([]), base, app];
    await using before = scannerWith({ matcher: matcherOf(['lodash']) });
    const report = await before.scanImage(imageOf(tars));
    const [lodash] = report.findings;
    if (lodash === undefined) throw new Error('no finding');
    const judged = {
      ...report,
      findings: report.findings.slice(1),
      suppressed: [{ finding: lodash, reason: 'vex' }],
    };
    await using after = scannerWith({ matcher: matcherOf(['lodash', 'libc6'], '2') });
    const again = await after.rejudge(judged);
    expect(idsOf(again)).toEqual(['CVE-libc6', 'password']);
    expect(again.suppressed.map(({ finding, reason }) => [finding.id, reason])).toEqual([
      ['CVE-lodash', 'vex'],
    ]);
    expect(again).toMatchObject({
      advisories: { revision: '2' },
      scannedAt: report.scannedAt,
      inventory: report.inventory,
    });
    await using never = scannerWith({ matcher: { ...matcherOf([]), state: () => undefined } });
    expect(await never.rejudge(again)).toMatchObject({
      findings: [{ id: 'password' }],
      suppressed: [],
      advisories: undefined,
    });
  });

  it('states what advisories know about the distribution, also when it is judged again', async () => {
    const covered = matcherOf(['lodash']);
    const uncovered = { ...covered, covers: () => false, endOfLife: () => '2028-06-09' };
    await using before = scannerWith({ matcher: uncovered });
    await using after = scannerWith({ matcher: covered });
    const report = await before.scanImage(imageOf([base]));
    const known = { id: 'debian', versionId: '13', name: 'debian', endOfLife: '2028-06-09' };
    expect(report.inventory.distribution).toEqual({ ...known, withoutAdvisories: true });
    const later = await after.rejudge(report);
    expect(later.inventory.distribution).toEqual(known);
    expect(await before.rejudge(later)).toEqual(report);
  });

  it('states that a distribution can’t be judged, with or without advisories', async () => {
    const unknown = { ...matcherOf(['lodash']), covers: () => false, knows: () => false };
    await using scanner = scannerWith({ matcher: unknown });
    const report = await scanner.scanImage(imageOf([base]));
    expect(report.inventory.distribution).toMatchObject({ notJudged: true, withoutAdvisories: true });
    await using never = scannerWith({ matcher: { ...unknown, state: () => undefined } });
    expect((await never.rejudge(report)).inventory.distribution).toMatchObject({ notJudged: true });
    await using known = scannerWith({ matcher: matcherOf(['lodash']) });
    expect((await known.rejudge(report)).inventory.distribution).not.toHaveProperty('notJudged');
  });

  it('of a distribution without packages, or without any advisories, does not state whether advisories cover it', async () => {
    const uncovered = { ...matcherOf(['lodash']), covers: () => false };
    const bare = await filesTar({ 'etc/os-release': 'ID=debian\nVERSION_ID="13"\n' });
    await using scanner = scannerWith({ matcher: uncovered });
    expect((await scanner.scanImage(imageOf([bare]))).inventory.distribution).not.toHaveProperty(
      'withoutAdvisories',
    );
    await using never = scannerWith({ matcher: { ...uncovered, state: () => undefined } });
    expect((await never.scanImage(imageOf([base]))).inventory.distribution).not.toHaveProperty(
      'withoutAdvisories',
    );
  });

  it('of an SBOM is judged like any other', async () => {
    await using scanner = scannerWith();
    const component = { type: 'library', name: 'lodash', version: '4.17.20', purl: 'pkg:npm/lodash@4.17.20' };
    const sbom = Buffer.from(
      JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', components: [component] }),
    );
    const report = await scanner.scanSbom(sbom, 'bom.json');
    expect(report.target).toEqual({ name: 'bom.json', kind: 'sbom', digest: digestOf(sbom) });
    expect(idsOf(report)).toEqual(['CVE-lodash']);
  });
});

describe.runIf(existsSync(join(wardImages, 'index.json')))(`Ward’s own images (need ${wardImages})`, () => {
  it('are read whole, with their packages and Node.js', async () => {
    await using scanner = scannerWith({ inspectors: { files: [passwordInspector], config: [] } });
    const report = await scanner.scanImage(await layoutSource('nodejs:24', wardImages, { tag: 'nodejs:24' }));
    const purls = report.inventory.components.map(({ purl }) => purl);
    expect(report.inventory.gaps).toEqual([]);
    expect(report.inventory.distribution).toMatchObject({ id: 'debian', versionId: '13' });
    expect(purls).toContainEqual(expect.stringMatching(/^pkg:generic\/node@24\./));
    expect(purls).toContainEqual(expect.stringMatching(/^pkg:deb\/debian\/libc6@.*upstream=glibc/));
    expect(report.inventory.layers.every(({ createdBy }) => createdBy?.startsWith('ward:'))).toBe(true);
  });
});

it('leaves nothing behind when it is closed', async () => {
  await using folder = await temporaryFolder();
  {
    await using scanner = scannerWith({ inspectors: { module }, cacheDir: folder.path });
    await scanner.scanImage(imageOf([app]));
  }
  expect((await readdir(folder.path)).filter((name) => name.startsWith('.tmp'))).toEqual([]);
  await rm(folder.path, { recursive: true });
});
