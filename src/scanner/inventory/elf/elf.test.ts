import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { proofOf } from '../../scanner.fixture.ts';
import { probeLongFile } from '../long-files.ts';
import type { Proof } from '../types.ts';
import { elfWith, goBuildInfo, oldGoBuildInfo, rustSection } from './elf.fixture.ts';
import { programCataloger } from './program.ts';

const modules = [
  'path\texample.org/app',
  'mod\texample.org/app\t(devel)\t',
  'dep\tgithub.com/a/b\tv1.2.3\th1:x=',
  'dep\tgithub.com/old/c\tv1.0.0',
  '=>\tgithub.com/new/c\tv1.0.1\th1:y=',
  'dep\tgithub.com/own/d\tv1.0.0',
  '=>\t./d\t(devel)\t',
  'dep\tgithub.com/e/f\tv2.0.0+incompatible',
  'build\t-compiler=gc',
].join('\n');
const expected = [
  'stdlib 1.24.1',
  'github.com/a/b v1.2.3',
  'github.com/new/c v1.0.1',
  'github.com/e/f v2.0.0+incompatible',
];

function names(proof: Proof | undefined): string[] | undefined {
  return proof?.packages?.map(({ name, version }) => `${name} ${version}`);
}

describe('a program by Go', () => {
  it.each([
    ['since 1.18', goBuildInfo('go1.24.1', modules)],
    ['before 1.18', oldGoBuildInfo('go1.24.1', modules)],
    ['with experiments', goBuildInfo('go1.24.1 X:nocoverageredesign', modules)],
  ])('%s tells of its modules', async (_when, section) => {
    const proof = await proofOf(
      programCataloger,
      'usr/bin/app',
      elfWith({ '.go.buildinfo': section, '.text': Buffer.alloc(99) }),
    );
    expect(names(proof)).toEqual(expected);
    expect(proof?.gaps).toEqual([]);
  });

  it('of no release is a gap', async () => {
    const section = goBuildInfo('devel go1.25-abcdef', modules);
    const proof = await proofOf(programCataloger, 'app', elfWith({ '.go.buildinfo': section }));
    expect(proof?.gaps).toEqual(['it was built by a Go without a version']);
    expect(names(proof)).toEqual(expected.slice(1));
  });

  it.each([
    ['is cut', goBuildInfo('go1.24.1', modules).subarray(0, 60)],
    ['has pointers that lead out', oldGoBuildInfo('go1.17', modules).fill(0xee, 16, 32)],
    [
      'has lengths that lead out',
      Buffer.concat([goBuildInfo('', '').subarray(0, 32), Buffer.alloc(8, 0xff)]),
    ],
  ])('whose information %s is a gap', async (_what, section) => {
    const proof = await proofOf(programCataloger, 'app', elfWith({ '.go.buildinfo': section }));
    expect(proof?.gaps).toHaveLength(1);
  });

  it.runIf(existsSync('/usr/sbin/runc'))('of Debian tells of the Go that built it', async () => {
    const proof = await proofOf(programCataloger, 'usr/sbin/runc', readFileSync('/usr/sbin/runc'));
    expect(names(proof)).toEqual([expect.stringMatching(/^stdlib 1\.\d+/)]);
  });
});

describe('a program by Rust', () => {
  const packages = [
    { name: 'app', version: '0.1.0', source: 'local', root: true },
    { name: 'time', version: '0.1.43', source: 'crates.io' },
    { name: 'cc', version: '1.0.0', source: 'crates.io', kind: 'build' },
  ];

  it('that is auditable tells of its crates', async () => {
    const proof = await proofOf(programCataloger, 'app', elfWith({ '.dep-v0': rustSection({ packages }) }));
    expect(proof?.packages).toEqual([{ ecosystem: 'cargo', name: 'time', version: '0.1.43' }]);
  });

  it.each([
    ['no zlib', Buffer.from('hello')],
    ['a bomb', rustSection({ packages: [], bomb: ' '.repeat(20_000_000) })],
    ['no object', rustSection([])],
  ])('with %s is a gap', async (_what, section) => {
    const proof = await proofOf(programCataloger, 'app', elfWith({ '.dep-v0': section }));
    expect(proof?.gaps).toHaveLength(1);
  });
});

describe('Node.js', () => {
  const node = (text: string) =>
    Buffer.concat([elfWith({}), Buffer.alloc(9_000_000), Buffer.from(text), Buffer.alloc(64)]);

  it.each([
    ['node.js/v22.1.0\0', 'node 22.1.0'],
    ['node.js/v\0node.js/v24.21.0Protocol\0node.js/v24.21.0\0', 'node 24.21.0'],
    ['node.js/v25.0.0-nightly2025\0', 'node 25.0.0-nightly2025'],
  ])('is known by %j, whatever it is called', async (text, expectedName) => {
    expect(names(await proofOf(programCataloger, 'opt/app', node(text)))).toEqual([expectedName]);
  });

  it('is known by its own program, as it passes by', () => {
    const program = readFileSync(process.execPath);
    for (const pieceBytes of [65_536, 1_000_003]) {
      const probe = probeLongFile();
      for (let at = 0; at < program.length; at += pieceBytes)
        probe.feed(program.subarray(at, at + pieceBytes));
      expect(names(probe.proof())).toEqual([`node ${process.versions.node}`]);
    }
  });
});

describe('a program that is too long to be held', () => {
  it('by Go tells of its modules, wherever they lie', () => {
    const text = Buffer.from('looks for \xff Go buildinf: in others', 'latin1');
    const section = goBuildInfo('go1.24.1', modules);
    const program = Buffer.concat([elfWith({}), text, Buffer.alloc(5000), section, Buffer.alloc(5000)]);
    for (const pieceBytes of [64, 100, 1000, program.length]) {
      const probe = probeLongFile();
      for (let at = 0; at < program.length; at += pieceBytes)
        probe.feed(program.subarray(at, at + pieceBytes));
      expect(names(probe.proof())).toEqual(expected);
    }
  });

  it('is not looked for in what is no program', () => {
    const probe = probeLongFile();
    probe.feed(goBuildInfo('go1.24.1', modules));
    expect(probe.proof()).toBeUndefined();
  });
});

it('never fails on what only looks like a program', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 60, maxLength: 400 }), async (bytes) => {
      const content = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), bytes]);
      const proof = await proofOf(programCataloger, 'x', content);
      expect(proof?.packages ?? []).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
