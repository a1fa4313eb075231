import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../lib/index.ts';
import { streamOf, type TarEntry, tarOf } from '../images.fixture.ts';
import { type TarLimits, TarReader } from './tar-reader.ts';

const limits: TarLimits = {
  maxEntries: 1000,
  maxTotalBytes: 50_000_000,
  maxNameBytes: 100_000,
  longestWhole: 1_000_000,
};

interface Seen {
  readonly type: string;
  readonly name: string;
  readonly link: string;
  readonly mode: number;
  readonly content: string | undefined;
}

/** Overwrites each pushed buffer as soon as that is allowed. */
function read(tar: Buffer, pieceBytes = tar.length, some: Partial<TarLimits> = {}): Seen[] {
  const seen: Seen[] = [];
  const reader = new TarReader({ ...limits, ...some }, () => undefined);
  let before = Buffer.alloc(0);
  for (let at = 0; at < tar.length; at += pieceBytes) {
    const piece = Buffer.from(tar.subarray(at, at + pieceBytes));
    reader.push(piece);
    before.fill('?');
    before = piece;
    for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
      const { type, name, linkName, mode } = entry.entry;
      const content = entry.content?.toString('latin1');
      seen.push({ type, name: name.toString(), link: linkName.toString(), mode, content });
    }
  }
  reader.end();
  return seen;
}

/** Rewrites bytes of the first header, and its checksum. */
function patched(tar: Buffer, at: number, bytes: string | Buffer): Buffer {
  const copy = Buffer.from(tar);
  Buffer.from(bytes).copy(copy, at);
  copy.fill(' ', 148, 156);
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return copy;
}

describe('a tar archive', () => {
  it('is read in pieces of any size', async () => {
    const long = `${'d'.repeat(90)}/${'n'.repeat(90)}/ü`;
    const tar = await tarOf([
      { name: 'bin/', type: 'directory', mode: 0o1755 },
      { name: 'bin/run', mode: 0o4755, content: 'x'.repeat(1500) },
      { name: 'empty', content: '' },
      { name: long, content: 'long' },
      { name: 'link', type: 'symlink', linkname: `../${long}` },
      { name: 'hard', type: 'link', linkname: 'bin/run' },
    ]);
    const whole = read(tar);
    expect(whole.map(({ type, name, link, mode }) => [type, name, link, mode.toString(8)])).toEqual([
      ['folder', 'bin/', '', '1755'],
      ['file', 'bin/run', '', '4755'],
      ['file', 'empty', '', '644'],
      ['file', long, '', '644'],
      ['symlink', 'link', `../${long}`, '644'],
      ['hardlink', 'hard', 'bin/run', '644'],
    ]);
    expect(whole[1]?.content).toBe('x'.repeat(1500));
    for (const pieceBytes of [1, 7, 511, 513, 1000]) expect(read(tar, pieceBytes)).toEqual(whole);
  });

  it('keeps the bytes of extended attributes', async () => {
    const capability = Buffer.from([1, 0, 0, 2, 0x80, 0, 0, 0, 0, 0, 0, 0xff]);
    const record = Buffer.concat([
      Buffer.from(' SCHILY.xattr.security.capability='),
      capability,
      Buffer.from('\n'),
    ]);
    const pax = Buffer.concat([Buffer.from(String(record.length + 2)), record]);
    const [header, file] = [
      await tarOf([{ name: 'pax', content: pax }]),
      await tarOf([{ name: 'ping', content: 'x' }]),
    ];
    const tar = Buffer.concat([patched(header, 156, 'x').subarray(0, 1024), file]);
    const reader = new TarReader(limits, () => undefined);
    reader.push(tar);
    expect(reader.next()?.entry.xattrs.get('security.capability')).toEqual(capability);
  });

  it('shows a long file piece by piece, and returns its head', async () => {
    const content = Buffer.alloc(300_000, 'abc');
    const tar = await tarOf([
      { name: 'long', content },
      { name: 'after', content: 'short' },
    ]);
    const hash = createHash('sha256');
    const reader = new TarReader({ ...limits, longestWhole: 1000 }, (_entry, piece) => hash.update(piece));
    const found = [];
    for (let at = 0; at < tar.length; at += 10_000) {
      reader.push(tar.subarray(at, at + 10_000));
      for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
        found.push([entry.entry.name.toString(), Buffer.from(entry.head), entry.content?.toString()]);
      }
    }
    expect(found).toEqual([
      ['long', content.subarray(0, 65_536), undefined],
      ['after', Buffer.from('short'), 'short'],
    ]);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it.each(['gnu', 'posix', 'ustar'])('in GNU tar’s %s format is read', async (form) => {
    const name = `${'a/'.repeat(45)}${form === 'ustar' ? 'short' : 'n'.repeat(120)}`;
    const made = await runCommand(
      ['tar', '-c', `--format=${form}`, '--transform', `s#.*#${name}#`, '-C', import.meta.dirname, 'pax.ts'],
      { maxOutputBytes: 1_000_000 },
    );
    expect(read(Buffer.from(made.stdout, 'utf8')).map((entry) => entry.name)).toEqual([name]);
  });

  it('is read as tar-stream reads it', async () => {
    const entry = fc.record({
      name: fc.stringMatching(/^[a-z0-9é/]{1,150}[a-z]$/),
      content: fc.string({ maxLength: 3000 }),
      mode: fc.integer({ min: 0, max: 0o7777 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 8 }),
        fc.integer({ min: 1, max: 5000 }),
        async (entries, size) => {
          const tar = await tarOf(entries);
          const theirs: unknown[] = [];
          const reader = extract();
          streamOf(tar).pipe(reader);
          for await (const each of reader) {
            const pieces: Uint8Array[] = [];
            for await (const piece of each) if (piece instanceof Uint8Array) pieces.push(piece);
            theirs.push([each.header.name, each.header.mode, Buffer.concat(pieces).toString('latin1')]);
          }
          expect(read(tar, size).map(({ name, mode, content }) => [name, mode, content])).toEqual(theirs);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('a tar archive that can be read in two ways', () => {
  const plain: readonly TarEntry[] = [{ name: 'a', content: 'x' }];
  const cases: readonly [string, (tar: Buffer) => Buffer | Promise<Buffer>, RegExp][] = [
    [
      'has something after its end',
      async (tar) => Buffer.concat([tar, await tarOf(plain)]),
      /follows its end/,
    ],
    ['is cut in a header', (tar) => tar.subarray(0, 300), /cut short/],
    ['is cut in a file', (tar) => tar.subarray(0, 512), /cut short/],
    ['has a wrong checksum', (tar) => Buffer.concat([Buffer.from('b'), tar.subarray(1)]), /damaged/],
    ['has a format from before POSIX', (tar) => patched(tar, 257, Buffer.alloc(8)), /unknown format/],
    ['has a sparse file of GNU', (tar) => patched(tar, 156, 'S'), /type "S"/],
    ['has an unknown type', (tar) => patched(tar, 156, 'V'), /type "V"/],
    ['has a link with content', (tar) => patched(tar, 156, '2'), /symlink has content/],
    ['has a folder with content', (tar) => patched(tar, 156, '5'), /folder has content/],
    ['has a size that is not a number', (tar) => patched(tar, 124, 'abc'), /size is not a number/],
    ['has a negative size', (tar) => patched(tar, 124, Buffer.alloc(12, 0xff)), /size is not a number/],
    [
      'has a size of 2^80',
      (tar) => patched(tar, 124, Buffer.from([0x80, 1, ...Array(10).fill(0)])),
      /too large/,
    ],
    ['has two prefixes', (tar) => patched(patched(tar, 345, 'p'.repeat(140)), 508, 'tar\0'), /two ways/],
    [
      'has a prefix where GNU has times',
      (tar) => patched(patched(tar, 257, 'ustar  \0'), 345, 'prefix'),
      /not a number/,
    ],
  ];
  it.each(cases)('because it %s, is refused', async (_what, damage, message) => {
    const tar = await damage(await tarOf(plain));
    expect(() => read(tar)).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['a sparse map', { 'GNU.sparse.major': '1' }, /GNU.sparse/],
    ['two paths', { path: 'b' }, /appears twice/],
    ['a link to nowhere', { linkpath: '' }, /no linkpath/],
    ['a NUL in its link', { linkpath: 'a\0b' }, /no linkpath/],
    ['a size that is not a number', { size: '1e3' }, /not a number/],
    ['another character set', { hdrcharset: 'BINARY' }, /hdrcharset/],
  ])('because an entry has %s, is refused', async (_what, pax, message) => {
    const tar = await tarOf([{ name: 'a', content: 'x', pax }]);
    expect(() => read(tar)).toThrow(message);
  });

  it('because a name occurs twice, is refused', async () => {
    const gnu = patched(await tarOf([{ name: '././@LongLink', content: 'other\0' }]), 156, 'L').subarray(
      0,
      1024,
    );
    const pax = await tarOf([{ name: 'ü'.repeat(80), content: 'x' }]);
    expect(() => read(Buffer.concat([gnu, pax]))).toThrow(/given twice/);
    expect(() => read(Buffer.concat([gnu, gnu, pax]))).toThrow(/described twice/);
  });

  it('because a path applies to all later entries, is refused', async () => {
    const pax = await tarOf([{ name: 'pax', content: '10 path=a\n' }]);
    const globally = patched(pax, 156, 'g').subarray(0, 1024);
    expect(() => read(Buffer.concat([globally, pax]))).toThrow(/global PAX record "path"/);
  });
});

describe('a tar archive over a limit', () => {
  it.each([
    ['entries', { maxEntries: 2 }],
    ['bytes', { maxTotalBytes: 5 }],
    ['names', { maxNameBytes: 2 }],
  ])('of %s is refused', async (_what, some) => {
    const tar = await tarOf([1, 2, 3].map((name) => ({ name: `${name}`, content: 'xx' })));
    expect(() => read(tar, 512, some)).toThrow(expect.objectContaining({ code: 'ARCHIVE_TOO_LARGE' }));
  });

  it('in the extra headers of an entry is refused', async () => {
    const tar = patched(await tarOf([{ name: 'pax', content: Buffer.alloc(1_100_000) }]), 156, 'x');
    expect(() => read(tar)).toThrow(expect.objectContaining({ code: 'ARCHIVE_TOO_LARGE' }));
  });
});
