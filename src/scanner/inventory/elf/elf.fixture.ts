/** Makes ELF files that only have sections, and the content that Go and Rust put into them. */
import { deflateSync } from 'node:zlib';

const headerBytes = 64;
const sectionBytes = 64;
const segmentBytes = 56;
/** The address at which the whole file is loaded. */
const loadAddress = 0x400000;

/** A 64-bit little-endian file, loaded as a whole at `loadAddress`. */
export function elfWith(sections: Readonly<Record<string, Buffer>>): Buffer {
  const names = ['', ...Object.keys(sections), '.shstrtab'];
  const nameTable = Buffer.from(names.map((name) => `${name}\0`).join(''));
  const bodies = [Buffer.alloc(0), ...Object.values(sections), nameTable];
  const firstBody = headerBytes + segmentBytes;
  const offsets = bodies.map(
    (_, at) => firstBody + bodies.slice(0, at).reduce((sum, body) => sum + body.length, 0),
  );
  const tableAt = firstBody + bodies.reduce((sum, body) => sum + body.length, 0);
  const table = bodies.map((body, at) => {
    const row = Buffer.alloc(sectionBytes);
    row.writeUInt32LE(
      names.slice(0, at).reduce((sum, name) => sum + name.length + 1, 0),
      0,
    );
    row.writeBigUInt64LE(BigInt(offsets[at] ?? 0), 24);
    row.writeBigUInt64LE(BigInt(body.length), 32);
    return row;
  });
  const header = Buffer.alloc(headerBytes);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeBigUInt64LE(BigInt(headerBytes), 32);
  header.writeBigUInt64LE(BigInt(tableAt), 40);
  for (const [at, value] of [
    [54, segmentBytes],
    [56, 1],
    [58, sectionBytes],
    [60, bodies.length],
    [62, bodies.length - 1],
  ] as const) {
    header.writeUInt16LE(value, at);
  }
  const segment = Buffer.alloc(segmentBytes);
  segment.writeUInt32LE(1, 0);
  segment.writeBigUInt64LE(BigInt(loadAddress), 16);
  segment.writeBigUInt64LE(BigInt(tableAt), 32);
  return Buffer.concat([header, segment, ...bodies, ...table]);
}

/** The address of the first section of such a file. */
const firstSectionAddress = loadAddress + headerBytes + segmentBytes;

/** The format of Go 1.18 and later. */
export function goBuildInfo(version: string, modules: string): Buffer {
  return Buffer.concat([goHeader(2), withLength(Buffer.from(version)), withLength(marked(modules))]);
}

/** The format of Go before 1.18, for the first section of a file: pointers to pointers. */
export function oldGoBuildInfo(version: string, modules: string): Buffer {
  const header = goHeader(0);
  const texts = [Buffer.from(version), marked(modules)];
  const strings = Buffer.alloc(32);
  const stringsAt = firstSectionAddress + header.length;
  let textAt = stringsAt + strings.length;
  for (const [at, text] of texts.entries()) {
    header.writeBigUInt64LE(BigInt(stringsAt + at * 16), 16 + at * 8);
    strings.writeBigUInt64LE(BigInt(textAt), at * 16);
    strings.writeBigUInt64LE(BigInt(text.length), at * 16 + 8);
    textAt += text.length;
  }
  return Buffer.concat([header, strings, ...texts]);
}

/** The format of `cargo auditable`. */
export function rustSection(document: unknown): Buffer {
  return deflateSync(JSON.stringify(document));
}

function goHeader(flags: number): Buffer {
  const header = Buffer.alloc(32);
  header.write('\xff Go buildinf:', 'latin1');
  header[14] = 8;
  header[15] = flags;
  return header;
}

function marked(modules: string): Buffer {
  return Buffer.concat([Buffer.alloc(16, 0xaa), Buffer.from(modules), Buffer.alloc(16, 0xbb)]);
}

function withLength(bytes: Buffer): Buffer {
  const length: number[] = [];
  for (let left = bytes.length; ; left = Math.floor(left / 128)) {
    length.push(left < 128 ? left : (left % 128) | 128);
    if (left < 128) break;
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
