/** Streamed zips that are too long for memory: their content is found, and ambiguous ones are reported. */
import { randomBytes } from 'node:crypto';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openArchives } from '../collect/archives.ts';
import { type Collector, openCollector } from '../collect/collector.ts';
import { openKeeping } from '../collect/keeping.ts';
import { catalogers } from '../inventory/catalogers.ts';
import { scannedFile } from '../scanned-file.fixture.ts';
import { filesTar, passwordInspector } from '../scanner.fixture.ts';
import { zipOf } from '../scans.fixture.ts';
import { type ArchiveLimits, archiveLimits } from './work.ts';

const bad = 'PASSWORD = "hunter2"\n';

/** A file in pieces of this size. */
async function watch(collector: Collector, path: string, content: Buffer, pieceBytes: number) {
  const { content: _, head, ...facts } = scannedFile(path, content);
  const long = collector.watch(facts);
  // Real callers deliver the start of a file in one piece.
  const ends = [512];
  for (let end = 512 + pieceBytes; end < content.length; end += pieceBytes) ends.push(end);
  let at = 0;
  for (const end of [...ends, content.length]) {
    long.piece(content.subarray(at, end));
    await long.ready();
    at = end;
  }
  await long.end(head);
}

async function scan(path: string, content: Buffer, pieceBytes = 1000) {
  const collector = openCollector({ catalogers, inspectors: [passwordInspector] });
  await watch(collector, path, content, pieceBytes);
  const { evidence, findings, gaps } = collector.result();
  return {
    bad: findings.flatMap(({ places }) => places.map((place) => place.path)),
    gaps: gaps.map(({ reason }) => reason),
    packages: evidence.flatMap(({ packages }) =>
      (packages ?? []).map(({ name, version, kept }) => `${name} ${version}${kept === true ? ', kept' : ''}`),
    ),
  };
}

interface Entry {
  readonly name: string;
  readonly content: string | Buffer;
  /** The lengths come after the content. */
  readonly isOpenEnded?: boolean;
  readonly isStored?: boolean;
  readonly isLong?: boolean;
  /** Values that the directory has instead. */
  readonly listed?: { readonly name?: string; readonly sizeBytes?: number } | 'nowhere';
}

interface Form {
  readonly before?: Buffer;
  /** Offsets count from the first entry. */
  readonly isRelative?: boolean;
  readonly comment?: Buffer;
  readonly behind?: Buffer;
}

/** Builds a zip by hand, because no program writes some of these. */
function zipBy(entries: readonly Entry[], { before, isRelative, comment, behind }: Form = {}): Buffer {
  const start = before?.length ?? 0;
  const pieces: Buffer[] = before === undefined ? [] : [before];
  const records: Buffer[] = [];
  let at = start;
  const push = (...more: readonly Buffer[]) => {
    for (const piece of more) {
      pieces.push(piece);
      at += piece.length;
    }
  };
  for (const { name, content, isOpenEnded = false, isStored = false, isLong = false, listed } of entries) {
    const bytes = Buffer.from(content);
    const packed = isStored ? bytes : deflateRawSync(bytes);
    const sizes = [crc32(bytes), packed.length, bytes.length] as const;
    const extra = isLong ? Buffer.alloc(20) : Buffer.alloc(0);
    if (isLong) {
      extra.writeUInt16LE(1);
      extra.writeUInt16LE(16, 2);
      extra.writeBigUInt64LE(BigInt(bytes.length), 4);
      extra.writeBigUInt64LE(BigInt(packed.length), 12);
    }
    const header = Buffer.alloc(30);
    header.write('PK\x03\x04', 'latin1');
    header.writeUInt16LE(isOpenEnded ? 8 : 0, 6);
    header.writeUInt16LE(isStored ? 0 : 8, 8);
    if (!isOpenEnded) for (const [index, size] of sizes.entries()) header.writeUInt32LE(size, 14 + index * 4);
    if (isLong) header.fill(0xff, 18, 26);
    header.writeUInt16LE(name.length, 26);
    header.writeUInt16LE(extra.length, 28);
    const offset = at - (isRelative === true ? start : 0);
    push(header, Buffer.from(name), extra, packed);
    if (isOpenEnded) {
      const descriptor = Buffer.alloc(16);
      descriptor.write('PK\x07\x08', 'latin1');
      for (const [index, size] of sizes.entries()) descriptor.writeUInt32LE(size, 4 + index * 4);
      push(descriptor);
    }
    if (listed === 'nowhere') continue;
    const listedName = listed?.name ?? name;
    const record = Buffer.alloc(46);
    record.write('PK\x01\x02', 'latin1');
    record.writeUInt16LE(isStored ? 0 : 8, 10);
    record.writeUInt32LE(sizes[0], 16);
    record.writeUInt32LE(sizes[1], 20);
    record.writeUInt32LE(listed?.sizeBytes ?? sizes[2], 24);
    record.writeUInt16LE(listedName.length, 28);
    record.writeUInt32LE(offset, 42);
    records.push(Buffer.concat([record, Buffer.from(listedName)]));
  }
  const directory = Buffer.concat(records);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(Math.min(0xffff, records.length), 8);
  end.writeUInt16LE(Math.min(0xffff, records.length), 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at - (isRelative === true ? start : 0), 16);
  end.writeUInt16LE(comment?.length ?? 0, 20);
  push(directory, end, comment ?? Buffer.alloc(0), behind ?? Buffer.alloc(0));
  return Buffer.concat(pieces);
}

/**
 * The offset counts from the start of the zip. From the start of the file, it leads to something that looks like a record.
 */
function withTwoDirectories(): Buffer {
  const stored = { name: 'filler', content: randomBytes(5000), isStored: true };
  const zip = zipBy([stored], { before: Buffer.alloc(600, '#'), isRelative: true });
  zip.write('PK\x01\x02', zip.readUInt32LE(zip.length - 6), 'latin1');
  return zip;
}

const pom = 'groupId=org.example\nartifactId=lib\nversion=1.2\n';
const library = await zipOf({ 'META-INF/maven/org.example/lib/pom.properties': pom, 'a/A.class': bad });
const byYazl = await zipOf({ filler: randomBytes(5000), 'BOOT-INF/lib/lib-1.2.jar': library });
const filler = { name: 'filler', content: randomBytes(5000) };

describe.each([50, 1000, 65_536])('in pieces of %i bytes', (pieceBytes) => {
  test.each<[what: string, zip: Buffer]>([
    ['as yazl writes it', byYazl],
    ['stored', zipBy([filler, { name: 'BOOT-INF/lib/lib-1.2.jar', content: library, isStored: true }])],
    [
      'with lengths behind entries',
      zipBy([
        { ...filler, isOpenEnded: true },
        { name: 'BOOT-INF/lib/lib-1.2.jar', content: library, isOpenEnded: true },
      ]),
    ],
    [
      'behind long entries of unknown length',
      zipBy([
        {
          name: 'a',
          content: Buffer.concat([Buffer.alloc(2_000_000), randomBytes(70_000)]),
          isOpenEnded: true,
        },
        {
          name: 'b',
          content: Buffer.concat([randomBytes(300_000), Buffer.alloc(2_000_000)]),
          isOpenEnded: true,
        },
        { name: 'BOOT-INF/lib/lib-1.2.jar', content: library },
      ]),
    ],
    [
      'with long numbers',
      zipBy([filler, { name: 'BOOT-INF/lib/lib-1.2.jar', content: library, isLong: true }]),
    ],
    [
      'behind a script',
      zipBy([filler, { name: 'BOOT-INF/lib/lib-1.2.jar', content: library }], {
        before: Buffer.from(`#!/bin/bash\n${'# a line\n'.repeat(400)}`),
      }),
    ],
    [
      'behind a script, with offsets of its own',
      zipBy([filler, { name: 'BOOT-INF/lib/lib-1.2.jar', content: library, isStored: true }], {
        before: Buffer.from('#!/bin/bash\n'),
        isRelative: true,
      }),
    ],
    [
      'with a comment',
      zipBy([filler, { name: 'BOOT-INF/lib/lib-1.2.jar', content: library }], {
        comment: Buffer.from('by a tool'),
      }),
    ],
  ])('a library in it is found %s', async (_what, zip) => {
    const path = 'app.jar!/BOOT-INF/lib/lib-1.2.jar!/a/A.class';
    expect(await scan('app.jar', zip, pieceBytes)).toEqual({
      bad: [path],
      gaps: [],
      packages: ['org.example:lib 1.2'],
    });
  });
});

test.each<[what: string, zip: Buffer, gap: string]>([
  [
    'an entry that is not listed',
    zipBy([filler, { name: 'a', content: bad, listed: 'nowhere' }]),
    'does not list',
  ],
  [
    'an entry that is listed under another name',
    zipBy([filler, { name: 'a', content: bad, listed: { name: 'b' } }]),
    'and an entry disagree',
  ],
  [
    'an entry that is listed with another length',
    zipBy([filler, { name: 'a', content: bad, listed: { sizeBytes: 3 } }]),
    'and an entry disagree',
  ],
  [
    'a second directory in the comment',
    zipBy([filler], { comment: zipBy([{ name: 'a', content: bad }]) }),
    'two different zips',
  ],
  [
    'another zip behind it',
    zipBy([filler], { behind: zipBy([{ name: 'a', content: bad }]) }),
    'something follows',
  ],
  [
    'another zip before it',
    zipBy([filler], { before: zipBy([{ name: 'a', content: bad }]), isRelative: true }),
    'something follows',
  ],
  ['a record of another directory where its offset leads, too', withTwoDirectories(), 'two different zips'],
  ['one that is cut short', zipBy([filler, { name: 'a', content: bad }]).subarray(0, -100), 'cut short'],
  [
    'a stored entry without a length',
    zipBy([filler, { name: 'a', content: bad, isStored: true, isOpenEnded: true }]),
    'does not say how long',
  ],
])('a gap reports %s', async (_what, zip, gap) => {
  const { gaps } = await scan('app.jar', zip);
  expect(gaps).toEqual([expect.stringContaining(gap)]);
});

test('entries before the damage are scanned', async () => {
  const zip = zipBy([
    { name: 'a', content: bad },
    filler,
    filler,
    { name: 'b', content: bad, listed: 'nowhere' },
  ]);
  expect((await scan('app.jar', zip)).bad).toEqual(['app.jar!/a', 'app.jar!/b']);
});

test('a finding inside is not repeated for the whole, and the bytes of the zip itself are scanned', async () => {
  const { bad: found } = await scan('app.zip', zipBy([{ name: 'a', content: bad, isStored: true }, filler]));
  expect(found).toEqual(['app.zip!/a']);
});

test.each<[what: string, zip: Buffer, limits: Partial<ArchiveLimits>, gap: string]>([
  [
    'a bomb',
    zipBy([{ name: 'a', content: Buffer.alloc(4_000_000), isOpenEnded: true }]),
    { growthFloor: 100_000, maxGrowth: 10 },
    'it unpacks to more than 97.7 KiB',
  ],
  [
    'more entries than the limit',
    zipBy(Array.from({ length: 51 }, () => ({ name: 'a', content: '', isStored: true }))),
    { maxEntries: 50 },
    'it has more than 50 entries',
  ],
])('%s ends in a gap', async (_what, zip, limits, gap) => {
  const keeping = openKeeping();
  const opening = openArchives(catalogers, keeping, { ...archiveLimits, ...limits });
  const stream = opening.stream(scannedFile('app.zip', zip), 'zip', []);
  for (let at = 0; at < zip.length; at += 1000) {
    stream.piece(zip.subarray(at, at + 1000));
    await stream.ready();
  }
  await stream.end();
  expect(keeping.result().gaps).toEqual([
    { path: 'app.zip', reason: expect.stringContaining(`not scanned: ${gap}`) },
  ]);
});

test('a streamed tar and the archives in it are opened', async () => {
  const tar = await filesTar({ 'a.py': bad, 'lib-1.2.jar': library });
  const { bad: found, gaps } = await scan('data.bin', tar);
  expect(found).toEqual(['data.bin!/a.py', 'data.bin!/lib-1.2.jar!/a/A.class']);
  expect(gaps).toEqual([]);
});

test('a file that is both gzip and zip is reported', async () => {
  const zip = zipBy([{ name: 'a', content: bad }], { before: gzipSync('none') });
  expect((await scan('a.whl', zip)).gaps).toContainEqual(
    expect.stringContaining('it can be read as a zip, too'),
  );
});
