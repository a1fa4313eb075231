/** Zips of code, tars and compressed layers: reads, scans and unpacks them. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { streamOf, tarOf } from '../../../src/images/images.fixture.ts';
import { inspectZip, parsePax, unpacked, unpackZip } from '../../../src/images/index.ts';
import { unpackTar } from '../../../src/images/unpack/tar.ts';
import { readCode } from '../../../src/scanner/code.ts';
import { catalogers } from '../../../src/scanner/inventory/catalogers.ts';
import { readLayer } from '../../../src/scanner/layers/read-layer.ts';
import { storedLayer } from '../../../src/scanner/scanner.fixture.ts';
import { zip } from '../../zip.ts';
import { catalog } from '../catalog.ts';
import { hostileText, mutatedBytes, shownBytes } from '../hostile.ts';
import type { Part, Probe } from '../types.ts';
import { refusesOrAnswers } from '../verdicts.ts';

const archiveLimits = {
  maxEntries: 100,
  maxTotalBytes: 4_000_000,
  maxEntryBytes: 2_000_000,
  maxPathDepth: 16,
};
const layerLimits = { maxEntries: 100, maxTotalBytes: 4_000_000, maxNameBytes: 100_000 };
const analysers = { catalogers, inspectors: [] };

const packageJson = '{"name":"left-pad","version":"1.3.0","license":"MIT"}';

async function zips(): Promise<readonly Buffer[]> {
  return [
    await zip({ 'index.js': 'exports.main = () => ({})', 'node_modules/left-pad/package.json': packageJson }),
    await zip({ 'exec*': '#!/bin/sh\necho {}', 'a/b/c.txt': 'x'.repeat(3000) }),
    await zip({
      'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\nMain-Class: Hello\n',
      'META-INF/maven/g/a/pom.properties': 'groupId=g\nartifactId=a\nversion=1.0\n',
      'BOOT-INF/lib/x-1.0.jar': await zip({ 'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\n' }),
    }),
  ];
}

function tars(): Promise<readonly Buffer[]> {
  const long = `${'d'.repeat(90)}/${'n'.repeat(90)}/ü`;
  return Promise.all([
    tarOf([
      { name: 'etc/', type: 'directory' },
      { name: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\n' },
      { name: long, content: 'long' },
      { name: 'link', type: 'symlink', linkname: 'etc/os-release' },
      { name: 'hard', type: 'link', linkname: 'etc/os-release' },
      { name: 'etc/.wh.gone', content: '' },
    ]),
    tarOf([
      { name: 'var/lib/dpkg/status', content: 'Package: a\nStatus: install ok installed\nVersion: 1-1\n\n' },
      { name: 'app/package.json', content: packageJson, pax: { 'SCHILY.xattr.user.a': 'b', mtime: '1.5' } },
      { name: 'big', content: 'y'.repeat(70_000) },
    ]),
  ]);
}

/** A well-formed tar with hostile names and links. */
const hostileTar = fc
  .array(
    fc.record({
      name: fc.oneof(
        hostileText,
        hostileText.map((text) => `a/${text}`),
        fc.constantFrom('a', 'a/b', 'link/x', '/etc/x', '.wh..wh..opq'),
      ),
      type: fc.constantFrom('file', 'directory', 'symlink', 'link', 'fifo', 'character-device'),
      linkname: fc.oneof(hostileText, fc.constantFrom('a', '..', '/', '../../x', 'link')),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((entries) => entries.filter(({ name }) => name !== '' && !name.includes('\0')));

interface Workshop {
  /** @throws Error when anything appears beside the folder to fill, or when a failure leaves files behind */
  inside(fill: (root: string) => Promise<unknown>): Promise<void>;
}

async function openWorkshop(): Promise<Workshop & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-fuzz-archives-'));
  let count = 0;
  return {
    async inside(fill) {
      const place = join(folder, String(count++));
      const root = join(place, 'root');
      await mkdir(root, { recursive: true });
      try {
        await refusesOrAnswers(() => fill(root));
        const beside = (await readdir(place)).filter((name) => name !== 'root');
        if (beside.length > 0) throw new Error(`left or made beside its folder: ${beside.join(', ')}`);
      } finally {
        await rm(place, { recursive: true, force: true });
      }
    },
    async [Symbol.asyncDispose]() {
      const others = (await readdir(folder)).filter((name) => !/^\d+$/.test(name));
      await rm(folder, { recursive: true, force: true });
      if (others.length > 0) throw new Error(`got out of its folder: ${others.join(', ')}`);
    },
  };
}

const never = new AbortController().signal;

async function drain(source: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of source);
}

export const archives: Part = {
  name: 'archives',
  share: 12_000,
  needsSandboxes: false,
  async open() {
    const workshop = await openWorkshop();
    const probe =
      (target: string, run: (bytes: Buffer) => Promise<void>) =>
      (bytes: Buffer): Probe => ({
        target,
        shown: shownBytes(bytes),
        run: () => run(bytes),
      });
    const fault = (work: (bytes: Buffer) => unknown) => (bytes: Buffer) =>
      refusesOrAnswers(() => work(bytes));
    const layerOf = (bytes: Buffer) =>
      workshop.inside((root) => unpackTar(unpacked(streamOf(bytes, 700)).bytes, root, layerLimits));
    const zipBytes = mutatedBytes(await zips());
    const plainTars = await tars();
    const tarBytes = mutatedBytes(plainTars);
    const packed = mutatedBytes(plainTars.flatMap((tar) => [gzipSync(tar), zstdCompressSync(tar)]));
    const pax = mutatedBytes(
      ['12 path=abc\n', '30 SCHILY.xattr.user.a=bcdefgh\n'].map((text) => Buffer.from(text)),
    );
    return {
      lanes: 1,
      probes: fc.oneof(
        zipBytes.map(
          probe(
            'inspectZip',
            fault((bytes) => inspectZip(bytes, archiveLimits)),
          ),
        ),
        zipBytes.map(
          probe('unpackZip', (bytes) => workshop.inside((root) => unpackZip(bytes, root, archiveLimits))),
        ),
        zipBytes.map(
          probe(
            'scan of code',
            fault((bytes) => readCode(bytes, 'nodejs:24', analysers, never)),
          ),
        ),
        zipBytes.map(probe('scan of a jar', (bytes) => catalog('app/a.jar', bytes))),
        tarBytes.map(probe('unpackTar', layerOf)),
        tarBytes.map(
          probe(
            'readLayer',
            fault((bytes) => readLayer(storedLayer(bytes), analysers, never)),
          ),
        ),
        hostileTar.map(
          (entries): Probe => ({
            target: 'unpackTar',
            shown: JSON.stringify(entries),
            run: async () =>
              layerOf(
                await tarOf(
                  entries.map((entry) =>
                    entry.type === 'file' ? { ...entry, content: 'x' } : entry,
                  ) as Parameters<typeof tarOf>[0],
                ),
              ),
          }),
        ),
        packed.map(
          probe(
            'unpacked',
            fault((bytes) => drain(unpacked(streamOf(bytes, 700)).bytes)),
          ),
        ),
        packed.map(probe('unpackTar of a packed layer', layerOf)),
        pax.map(probe('parsePax', fault(parsePax))),
      ),
      [Symbol.asyncDispose]: () => workshop[Symbol.asyncDispose](),
    };
  },
};
