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

describe('a Go program', () => {
  it.each([
    ['since 1.18', goBuildInfo('go1.24.1', modules)],
    ['before 1.18', oldGoBuildInfo('go1.24.1', modules)],
    ['with experiments', goBuildInfo('go1.24.1 X:nocoverageredesign', modules)],
  ])('%s lists its modules', async (_when, section) => {
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
    expect(proof?.gaps).toEqual(['it was built by Go without a version']);
    expect(names(proof)).toEqual(expected.slice(1));
  });

  it.each([
    ['is cut', goBuildInfo('go1.24.1', modules).subarray(0, 60)],
    ['has pointers that lead out', oldGoBuildInfo('go1.17', modules).fill(0xee, 16, 32)],
    [
      'has lengths beyond its end',
      Buffer.concat([goBuildInfo('', '').subarray(0, 32), Buffer.alloc(8, 0xff)]),
    ],
  ])('whose information %s is a gap', async (_what, section) => {
    const proof = await proofOf(programCataloger, 'app', elfWith({ '.go.buildinfo': section }));
    expect(proof?.gaps).toHaveLength(1);
  });

  it.runIf(existsSync('/usr/sbin/runc'))('of Debian names the Go that built it', async () => {
    const proof = await proofOf(programCataloger, 'usr/sbin/runc', readFileSync('/usr/sbin/runc'));
    expect(names(proof)).toEqual([expect.stringMatching(/^stdlib 1\.\d+/)]);
  });
});

describe('a Rust program', () => {
  const packages = [
    { name: 'app', version: '0.1.0', source: 'local', root: true, dependencies: [1] },
    { name: 'time', version: '0.1.43', source: 'crates.io', dependencies: [2, 3, 9, 'x'] },
    { name: 'cc', version: '1.0.0', source: 'crates.io', kind: 'build' },
    { name: 'libc', version: '0.2.1', source: 'crates.io' },
  ];

  it('that is auditable lists its crates', async () => {
    const proof = await proofOf(programCataloger, 'app', elfWith({ '.dep-v0': rustSection({ packages }) }));
    expect(proof?.packages).toEqual([
      { ecosystem: 'cargo', name: 'time', version: '0.1.43', needs: ['libc 0.2.1'] },
      { ecosystem: 'cargo', name: 'libc', version: '0.2.1', needs: [] },
    ]);
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

describe('a Rust program without audit data', () => {
  const root = '/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f';
  const text = [
    `${root}/time-0.1.44/src/lib.rs`,
    `${root}/serde_json-1.0.96/src/de.rs`,
    `${root}/serde_json-1.0.96/src/ser.rs`,
    'the registry/src/ of nothing',
  ].join('\0');
  const crates = ['time 0.1.44', 'serde_json 1.0.96'];

  it('lists crates that can panic', async () => {
    const program = elfWith({ '.rodata': Buffer.from(text) });
    expect(names(await proofOf(programCataloger, 'app', program))).toEqual(crates);
    const audited = elfWith({
      '.rodata': Buffer.from(text),
      '.dep-v0': rustSection({ packages: [{ name: 'a', version: '1.0.0' }] }),
    });
    expect(names(await proofOf(programCataloger, 'app', audited))).toEqual(['a 1.0.0']);
  });

  it('lists them when it is too long for memory, wherever pieces end', () => {
    const program = elfWith({ '.rodata': Buffer.from(text) });
    for (const pieceBytes of [64, 100, 1000, program.length]) {
      const probe = probeLongFile();
      for (let at = 0; at < program.length; at += pieceBytes)
        probe.feed(program.subarray(at, at + pieceBytes));
      expect(names(probe.proof())).toEqual(crates);
    }
  });

  it('with more than a program could have is a gap', async () => {
    const many = Array.from({ length: 3100 }, (_, at) => `${root}/c-${at}.0.0/src/x`).join('\0');
    const proof = await proofOf(programCataloger, 'app', elfWith({ '.rodata': Buffer.from(many) }));
    expect(proof?.gaps).toEqual(['it names more crates than a program could have']);
    expect(proof?.packages).toHaveLength(3000);
  });
});

describe('a program for another system', () => {
  const windows = Buffer.alloc(512);
  windows.write('MZ', 'latin1');
  windows.writeUInt32LE(128, 0x3c);
  windows.write('PE\0\0', 128, 'latin1');
  const mac = Buffer.alloc(512);
  mac.writeUInt32LE(0xfeedfacf);
  const universal = Buffer.alloc(512);
  universal.writeUInt32BE(0xcafebabe);
  universal.writeUInt32BE(2, 4);
  const all = [
    ['Windows', windows],
    ['macOS', mac],
    ['macOS, for several processors', universal],
  ] as const;

  it.each(all)('by Go for %s lists its modules', async (_system, head) => {
    const text = Buffer.from('looks for \xff Go buildinf: in others', 'latin1');
    const program = Buffer.concat([head, text, goBuildInfo('go1.24.1', modules), Buffer.alloc(99)]);
    expect(names(await proofOf(programCataloger, 'dl/app', program))).toEqual(expected);
    const probe = probeLongFile();
    probe.feed(program);
    expect(names(probe.proof())).toEqual(expected);
  });

  it('by Go before 1.18 is a gap', async () => {
    const program = Buffer.concat([windows, oldGoBuildInfo('go1.17', modules)]);
    expect((await proofOf(programCataloger, 'app.exe', program))?.gaps).toEqual([
      'it was built by Go before 1.18, so its modules are unknown',
    ]);
  });

  it('by auditable Rust for Windows lists its crates', async () => {
    const section = rustSection({ packages: [{ name: 'time', version: '0.1.43' }] });
    const head = Buffer.from(windows);
    head.writeUInt16LE(1, 128 + 6);
    head.write('.dep-v0', 128 + 24, 'latin1');
    head.writeUInt32LE(section.length, 128 + 24 + 8);
    head.writeUInt32LE(section.length, 128 + 24 + 16);
    head.writeUInt32LE(head.length, 128 + 24 + 20);
    expect(names(await proofOf(programCataloger, 'app.exe', Buffer.concat([head, section])))).toEqual([
      'time 0.1.43',
    ]);
    expect((await proofOf(programCataloger, 'app.exe', head))?.gaps).toEqual([
      'a section ends outside the file',
    ]);
  });

  it('by Rust on Windows lists its crates', async () => {
    const path =
      'C:\\Users\\a\\.cargo\\registry\\src\\github.com-1ecc6299db9ec823\\time-0.1.44-rc.1\\src\\x.rs';
    const program = Buffer.concat([windows, Buffer.from(path), Buffer.alloc(99)]);
    expect(names(await proofOf(programCataloger, 'app.exe', program))).toEqual(['time 0.1.44-rc.1']);
  });

  it('is not a Java class and not a text', async () => {
    const javaClass = Buffer.from(universal);
    javaClass.writeUInt32BE(65, 4);
    const program = Buffer.concat([javaClass, goBuildInfo('go1.24.1', modules)]);
    expect(await proofOf(programCataloger, 'A.class', program)).toBeUndefined();
    const text = Buffer.concat([Buffer.from('MZ'.padEnd(128)), goBuildInfo('go1.24.1', modules)]);
    text.writeUInt32LE(64, 0x3c);
    expect(await proofOf(programCataloger, 'MZ.txt', text)).toBeUndefined();
  });
});

describe('Node.js', () => {
  const node = (text: string) =>
    Buffer.concat([elfWith({}), Buffer.alloc(9_000_000), Buffer.from(text), Buffer.alloc(64)]);

  it.each([
    ['node.js/v22.1.0\0', 'node 22.1.0'],
    ['node.js/v\0node.js/v24.21.0Protocol\0node.js/v24.21.0\0', 'node 24.21.0'],
    ['node.js/v25.0.0-nightly2025\0', 'node 25.0.0-nightly2025'],
  ])('is known by %j, whatever its name', async (text, expectedName) => {
    expect(names(await proofOf(programCataloger, 'opt/app', node(text)))).toEqual([expectedName]);
  });

  it('is known by its own program as a stream', () => {
    const program = readFileSync(process.execPath);
    for (const pieceBytes of [65_536, 1_000_003]) {
      const probe = probeLongFile();
      for (let at = 0; at < program.length; at += pieceBytes)
        probe.feed(program.subarray(at, at + pieceBytes));
      expect(names(probe.proof())).toEqual([`node ${process.versions.node}`]);
    }
  });
});

describe('a program that is too long for memory', () => {
  it('by Go lists its modules, wherever they lie', () => {
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

  it('is not searched for in other files', () => {
    const probe = probeLongFile();
    probe.feed(goBuildInfo('go1.24.1', modules));
    expect(probe.proof()).toBeUndefined();
  });
});

it('never fails on a file that only looks like a program', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 60, maxLength: 400 }), async (bytes) => {
      const content = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), bytes]);
      const proof = await proofOf(programCataloger, 'x', content);
      expect(proof?.packages ?? []).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
