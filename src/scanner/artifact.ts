/**
 * Reads pushed artifacts that are not images: files, archives, documents. The first bytes of a blob decide how it is read:
 * as a layer if it may be one, a zip for the files in it, anything else as one file. No blob hides content of another.
 */
import { Readable } from 'node:stream';
import { type Digest, digestOf } from '../blobs/index.ts';
import { layerLimits, layerStartBytes, mayBeLayer } from '../images/index.ts';
import { isFault, messageOf } from '../lib/index.ts';
import type { LayerAnalysis } from './layers/analysis.ts';
import type { Read, SourceLayer } from './processes/jobs.ts';
import type { ArtifactBlob, ArtifactSource, Component, Finding, Gap } from './types.ts';

export interface BlobReaders {
  /** @throws Fault ARCHIVE_INVALID, ARCHIVE_TOO_LARGE, SCAN_TIMED_OUT */
  layer(layer: SourceLayer): Promise<LayerAnalysis>;
  /** @throws Fault ARCHIVE_UNSAFE, ARCHIVE_INVALID, ARCHIVE_TOO_LARGE, SCAN_TIMED_OUT */
  zip(bytes: Buffer): Promise<Read>;
}

/** A longer zip is a gap, because a zip is held in memory. */
const longestZip = 256 * 1024 ** 2;
const zipStart = Buffer.from('PK\x03\x04', 'latin1');
const tarBlock = 512;
const longestName = 100;
const unreadable = new Set(['ARCHIVE_INVALID', 'ARCHIVE_UNSAFE', 'ARCHIVE_TOO_LARGE', 'SCAN_TIMED_OUT']);

/** Reads one blob after the other. @throws what opening a blob throws */
export async function readArtifact({ blobs }: ArtifactSource, readers: BlobReaders): Promise<Read> {
  const all: Read[] = [];
  for (const blob of blobs) all.push(...(await readBlob(blob, readers)));
  return {
    inventory: {
      distribution: all.find(({ inventory }) => inventory.distribution !== undefined)?.inventory.distribution,
      components: joined(all.flatMap(({ inventory }) => inventory.components)),
      layers: [],
      gaps: all.flatMap(({ inventory }) => inventory.gaps),
    },
    findings: all.flatMap(({ findings }) => findings),
  };
}

async function readBlob(blob: ArtifactBlob, readers: BlobReaders): Promise<readonly Read[]> {
  const name = nameOf(blob);
  const start = await startOf(blob);
  if (start.length === 0) return [];
  const asFile = () => orGap(name, () => readFile(blob, name, readers));
  if (start.subarray(0, zipStart.length).equals(zipStart)) {
    return [await orGap(name, () => readZip(blob, readers)), await asFile()];
  }
  if (!mayBeLayer(start)) return [await asFile()];
  const asLayer = await orGap(name, async () => merged(await readers.layer(blob)));
  // The bytes of a compressed tar show nothing to rules.
  return isPlainTar(start) ? [asLayer, await asFile()] : [asLayer];
}

async function readZip({ open, size }: ArtifactBlob, readers: BlobReaders): Promise<Read> {
  if (size > longestZip) return gapOnly('', `a zip of ${size} bytes: at most ${longestZip} are read`);
  const pieces: Buffer[] = [];
  for await (const piece of await open()) pieces.push(Buffer.from(piece));
  return readers.zip(Buffer.concat(pieces));
}

/** Wraps the file as the only entry of a layer, so that it is read like any file of an image, however long it is. */
async function readFile(blob: ArtifactBlob, name: string, readers: BlobReaders): Promise<Read> {
  if (blob.size > layerLimits.maxTotalBytes) {
    return gapOnly(name, `a file of ${blob.size} bytes: at most ${layerLimits.maxTotalBytes} are read`);
  }
  const digest = digestOf(`ward file\n${name}\n${blob.digest}`);
  return merged(await readers.layer({ digest, isVerified: true, open: () => asLayer(blob, name) }));
}

async function asLayer(blob: ArtifactBlob, name: string): Promise<Readable> {
  const source = await blob.open();
  return Readable.from(
    (async function* () {
      yield tarHeader(name, blob.size);
      let left = blob.size;
      for await (const piece of source) {
        left -= piece.length;
        if (left < 0) throw new Error(`${blob.digest} is longer than its manifest says`);
        // The source may reuse the memory of a piece for the next one.
        yield Buffer.from(piece);
      }
      yield Buffer.alloc(((tarBlock - (blob.size % tarBlock)) % tarBlock) + 2 * tarBlock);
    })(),
    { objectMode: false, highWaterMark: 256 * 1024 },
  ).once('close', () => source.destroy());
}

/** POSIX.1-2017, pax, "ustar Interchange Format". */
function tarHeader(name: string, size: number): Buffer {
  const block = Buffer.alloc(tarBlock);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0, longestName, 'latin1');
  block.write(octal(0o755, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(octal(sum, 6), 148);
  return block;
}

/** Merges each analysis by itself, so that no blob deletes files of another. */
async function merged(analysis: LayerAnalysis): Promise<Read> {
  const { mergeLayers } = await import('./layers/merge.ts');
  return mergeLayers([{ analysis, createdBy: undefined }]);
}

async function orGap(name: string, read: () => Promise<Read>): Promise<Read> {
  try {
    return await read();
  } catch (error) {
    if (!isFault(error) || !unreadable.has(error.code)) throw error;
    return gapOnly(name, `it was not read: ${messageOf(error)}`);
  }
}

function gapOnly(path: string, reason: string): Read {
  const gaps: readonly Gap[] = [{ path, reason: reason.slice(0, 500) }];
  const findings: readonly Finding[] = [];
  return { inventory: { components: [], layers: [], gaps }, findings };
}

async function startOf({ open }: ArtifactBlob): Promise<Buffer> {
  const source = await open();
  let start = Buffer.alloc(0);
  for await (const piece of source) {
    start = Buffer.concat([start, piece]);
    if (start.length >= layerStartBytes) break;
  }
  source.destroy();
  return start.subarray(0, layerStartBytes);
}

function isPlainTar(start: Buffer): boolean {
  return start.length === layerStartBytes && start.toString('latin1', 257, 262) === 'ustar';
}

/** The last part of the title, in characters that all readers interpret alike. */
function nameOf({
  title = '',
  digest,
}: {
  readonly title?: string | undefined;
  readonly digest: Digest;
}): string {
  const last = title.split('/').findLast((part) => part !== '') ?? '';
  const plain = last.replaceAll(/[^\w.+@-]/g, '_').slice(-longestName);
  return /^\.{0,2}$/.test(plain) || plain.startsWith('.wh.') ? digest.replace(':', '-') : plain;
}

/** Merges equal components of several blobs. */
function joined(components: readonly Component[]): readonly Component[] {
  const byPurl = new Map<string, Component>();
  for (const each of components) {
    const known = byPurl.get(each.purl);
    byPurl.set(
      each.purl,
      known === undefined ? each : { ...known, places: [...known.places, ...each.places] },
    );
  }
  return [...byPurl.values()];
}
