/** What is scanned is what runs: the scanner and the layer store both refuse a layer, or both read the same. */
import { lstatSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blobPath, digestOf, openBlobStore } from '../src/blobs/index.ts';
import {
  canMount,
  type TarEntry,
  tarOf,
  temporaryFolder,
  writeTestImage,
} from '../src/images/images.fixture.ts';
import { openImageStore, unpackLayers } from '../src/images/index.ts';
import { openLayerStore } from '../src/images/store/layer-store.ts';
import type { Unpacker } from '../src/images/unpack/apart.ts';
import { unpackHere } from '../src/images/unpack/here.ts';
import { isFault } from '../src/lib/index.ts';
import { filesIn, type LayerAnalysis } from '../src/scanner/layers/analysis.ts';
import { hiderOf } from '../src/scanner/layers/hiding.ts';
import { readLayer } from '../src/scanner/layers/read-layer.ts';
import { storedLayer } from '../src/scanner/scanner.fixture.ts';

const isRoot = process.getuid?.() === 0;
const mediaType = 'application/vnd.oci.image.layer.v1.tar';

interface Layer {
  /** The layer as it is stored. */
  readonly packed: Buffer;
  /** The tar that a lenient program would unpack from it. */
  readonly plain: Buffer;
}

/** Undefined if it was refused. */
async function scanned({ packed, plain }: Layer): Promise<LayerAnalysis | undefined> {
  const nobody = { catalogers: [], inspectors: [] };
  const analysis = await orRefused(readLayer(storedLayer(packed), nobody, new AbortController().signal));
  return analysis?.diffId === digestOf(plain) && analysis.gaps.length === 0 ? analysis : undefined;
}

/** Reads hundreds of layers at once: a process for each would take minutes. */
const inThisProcess: Unpacker = (blob, root) => unpackHere(blob.createReadStream({ autoClose: false }), root);

async function laid({ packed, plain }: Layer, dir: string): Promise<readonly string[] | undefined> {
  const digest = digestOf(packed);
  await mkdir(join(dir, 'blobs/sha256'), { recursive: true });
  await writeFile(blobPath(dir, digest), packed);
  const layer = { mediaType, digest, size: packed.length };
  const root = await orRefused(
    openLayerStore(dir, inThisProcess).unpack(openBlobStore(dir), layer, digestOf(plain)),
  );
  if (root === undefined) return undefined;
  const paths = await tree(root);
  return paths.map(({ path, isDeleted }) => (isDeleted ? `${path} is deleted` : path)).sort();
}

interface Found {
  readonly path: string;
  readonly isFolder: boolean;
  readonly isDeleted: boolean;
}

/** The files of a folder, without following links. */
async function tree(root: string, folder = ''): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    found.push({ path, isFolder: entry.isDirectory(), isDeleted: entry.isCharacterDevice() });
    if (entry.isDirectory()) found.push(...(await tree(root, path)));
  }
  return found;
}

/** The files that the layer store should have made, according to the scanner. */
function expected(analysis: LayerAnalysis): readonly string[] {
  const { folders, removed, opaque } = analysis;
  const files = filesIn(analysis);
  const made = new Set([
    ...folders,
    ...opaque,
    ...[...files, ...folders, ...removed, ...opaque].flatMap(parentsOf),
  ]);
  const deleted = removed.filter((path) => !files.includes(path) && !made.has(path));
  return [...files, ...made, ...deleted.map((path) => `${path} is deleted`)].sort();
}

function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

async function orRefused<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isFault(error)) return undefined;
    throw error;
  }
}

const name = fc
  .array(fc.constantFrom('a', 'b', '.wh.a', '.wh.b', '.wh..wh..opq', '..', '.', ''), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => parts.join('/'));
const plainName = fc
  .array(fc.constantFrom('a', 'b', '.wh.a', '.wh.b', '.wh..wh..opq'), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'));
const file = (names: fc.Arbitrary<string>) =>
  fc.record({ name: names, content: fc.string({ maxLength: 600 }) });
const folder = (names: fc.Arbitrary<string>) =>
  fc.record({ name: names, type: fc.constant('directory' as const) });
const link = (names: fc.Arbitrary<string>) =>
  fc.record({
    name: names,
    type: fc.constantFrom('symlink' as const, 'link' as const),
    linkname: fc.constantFrom('a', 'b', 'a/b', '../a', '/a'),
  });
const device = fc.record({ name, type: fc.constant('fifo' as const) });
const anything: fc.Arbitrary<readonly TarEntry[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: file(name) },
    { weight: 2, arbitrary: folder(name) },
    { weight: 2, arbitrary: link(name) },
    { weight: 1, arbitrary: device },
  ),
  { maxLength: 6 },
);
/** Layers of which few are refused. */
const sensible: fc.Arbitrary<readonly TarEntry[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: file(plainName) },
    { weight: 3, arbitrary: folder(plainName) },
    { weight: 1, arbitrary: link(plainName) },
  ),
  { maxLength: 5 },
);
const change = fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), to: fc.nat(255) });

/** Changes bytes, and sometimes corrects the checksums of headers. */
function damaged(tar: Buffer, changes: readonly { at: number; to: number }[], isMended: boolean): Buffer {
  const copy = Buffer.from(tar);
  for (const { at, to } of changes) {
    const offset = Math.floor(at * copy.length);
    copy[offset] = to;
    if (!isMended) continue;
    const header = copy.subarray(offset - (offset % 512));
    header.fill(' ', 148, 156);
    const sum = header.subarray(0, 512).reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return copy;
}

const halves = (tar: Buffer) => [tar.subarray(0, tar.length / 2), tar.subarray(tar.length / 2)] as const;
const packings: readonly ((tar: Buffer) => Buffer)[] = [
  (tar) => tar,
  (tar) => gzipSync(tar),
  (tar) => zstdCompressSync(tar),
  (tar) => Buffer.concat(halves(tar).map((half) => gzipSync(half))),
  (tar) => Buffer.concat(halves(tar).map((half) => zstdCompressSync(half))),
  (tar) => Buffer.concat([gzipSync(tar), Buffer.from('tail')]),
  (tar) => Buffer.concat([gzipSync(tar), Buffer.alloc(9)]),
  (tar) => Buffer.concat([zstdCompressSync(tar), Buffer.from('tail of it')]),
  (tar) => gzipSync(tar).subarray(0, -5),
  (tar) => zstdCompressSync(tar).subarray(0, -1),
  (tar) => Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7]), zstdCompressSync(tar)]),
];
const tails: readonly (readonly [string, (tar: Buffer) => Buffer])[] = [
  ['another archive', (tar) => Buffer.concat([tar, tar])],
  ['garbage', (tar) => Buffer.concat([tar, Buffer.alloc(512, 'x')])],
  ['a part of a block', (tar) => Buffer.concat([tar, Buffer.alloc(100)])],
  ['more zeros', (tar) => Buffer.concat([tar, Buffer.alloc(51_200)])],
  ['no end', (tar) => tar.subarray(0, -1024)],
  ['half an end', (tar) => tar.subarray(0, -512)],
];

describe.runIf(isRoot)('a layer', () => {
  const agree = async (layer: Layer, dir: string): Promise<boolean> => {
    const analysis = await scanned(layer);
    expect(await laid(layer, dir)).toEqual(analysis && expected(analysis));
    return analysis !== undefined;
  };

  it('with any entries, damaged or not, packed in any way, is read alike', async () => {
    await using place = await temporaryFolder();
    let run = 0;
    let accepted = 0;
    const changes = fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(change, { maxLength: 3 }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(sensible, anything),
        changes,
        fc.boolean(),
        fc.nat(packings.length - 1),
        async (entries, changed, isMended, how) => {
          const plain = damaged(await tarOf(entries), changed, isMended);
          const packed = packings[how]?.(plain) ?? plain;
          if (await agree({ plain, packed }, join(place.path, `${run++}`))) accepted++;
        },
      ),
      { numRuns: 300 },
    );
    // Otherwise both could agree by refusing everything.
    expect(accepted).toBeGreaterThan(20);
    expect(accepted).toBeLessThan(run);
  });

  it.each(tails)('with %s after its entries is read alike', async (_what, cut) => {
    await using place = await temporaryFolder();
    const plain = cut(await tarOf([{ name: 'a', content: 'x' }]));
    for (const pack of [packings[0], packings[1], packings[2]]) {
      const packed = pack?.(plain) ?? plain;
      await agree({ plain, packed }, join(place.path, digestOf(packed).slice(7)));
    }
  });
});

/** Every root has this file, so that a sandbox's own can be mounted over it. */
const mountTarget = 'etc/resolv.conf';

describe.runIf(canMount())('an image', () => {
  it('has the files that the scanner lists, whatever its layers hide', async () => {
    await using place = await temporaryFolder();
    const dir = join(place.path, 'store');
    await using store = await openImageStore({ dir, mountsDir: join(place.path, 'mounts') });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(sensible, { minLength: 2, maxLength: 4 }), async (stack) => {
        const layers = await Promise.all(stack.map(tarOf));
        const analyses = await Promise.all(layers.map((tar) => scanned({ plain: tar, packed: tar })));
        const read = analyses.filter((analysis) => analysis !== undefined);
        if (read.length < layers.length) return;
        await unpackLayers(dir, await writeTestImage(dir, { tag: 'app:1', layers }), inThisProcess);
        await using root = await store.mountRoot(await store.resolve('app:1'));
        // If only one layer has a folder, overlayfs lists a deleted name in it but does not find it.
        const files = (await tree(root.path)).filter(
          ({ isFolder, path }) => !isFolder && path !== mountTarget && isThere(root.path, path),
        );
        expect(files.map(({ path }) => path).sort()).toEqual(visible(read));
        compared++;
      }),
      { numRuns: 150 },
    );
    expect(compared).toBeGreaterThan(20);
  });
});

function isThere(root: string, path: string): boolean {
  return lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined;
}

/** Layers, lowest first. */
function visible(stack: readonly LayerAnalysis[]): readonly string[] {
  const hiders = stack.map(hiderOf);
  const isHidden = (path: string, at: number) => hiders.slice(at + 1).some((hides) => hides(path, false));
  const files = stack.flatMap((analysis, at) => filesIn(analysis).filter((path) => !isHidden(path, at)));
  return [...new Set(files)].sort();
}
