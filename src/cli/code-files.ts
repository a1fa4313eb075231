/**
 * The files in the code of an action: one text, or the files of a zip. An archive may be hostile: nothing is unpacked to
 * the disk, and what is inflated is bounded.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { messageOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';
import { isZip } from './zip-entries.ts';

interface CodeFile {
  /** Of the bytes in the archive. */
  readonly packed: string;
  /** Of the content; undefined for large files, which are not inflated. */
  readonly digest?: string;
  /** Undefined for what is no text, and for large files. */
  readonly text?: string | undefined;
}

/** Path → file. */
export type CodeFiles = ReadonlyMap<string, CodeFile>;

const maxEntries = 20_000;
/** Of one file that is read, and of all of them. */
const maxFileBytes = 256 * 1024;
const maxInflatedBytes = 32 * 1024 * 1024;

/**
 * @param name of the file that code without an archive counts as
 * @param code text, or base64 if `isBinary`; empty: no files
 * @throws Fault SOURCE_UNREADABLE
 */
export async function codeFiles(name: string, code: string, isBinary: boolean): Promise<CodeFiles> {
  if (code === '') return new Map();
  const bytes = Buffer.from(code, isBinary ? 'base64' : 'utf8');
  if (!isZip(bytes)) return new Map([[name, { packed: digestOf(bytes), ...contentOf(bytes) }]]);
  try {
    return await filesOfZip(bytes);
  } catch (cause) {
    const what = `the archive of ${name} can’t be compared: ${messageOf(cause)}`;
    throw cliFault('SOURCE_UNREADABLE', what, { cause });
  }
}

/** False when that is not known: a large file was packed anew. */
export function isSameFile(one: CodeFile | undefined, other: CodeFile | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.packed === other.packed || (one.digest !== undefined && one.digest === other.digest);
}

async function filesOfZip(bytes: Buffer): Promise<CodeFiles> {
  const zip = await fromBufferPromise(bytes);
  if (zip.entryCount > maxEntries) throw new Error(`it has more than ${maxEntries} entries`);
  const files = new Map<string, CodeFile>();
  const read = { packed: 0, inflated: 0 };
  for await (const entry of zip.eachEntry()) {
    const { fileName, compressedSize, uncompressedSize, compressionMethod } = entry;
    if (fileName.endsWith('/')) continue;
    if (files.has(fileName)) throw new Error('it has two files of one name');
    read.packed += compressedSize;
    // Else a small archive could keep the reader busy for hours.
    if (read.packed > bytes.length) throw new Error('its entries share bytes');
    const raw = await readEntry(zip, entry, compressionMethod === 0 ? null : false);
    const packed = `${compressionMethod} ${digestOf(raw)}`;
    const isRead = uncompressedSize <= Math.min(maxFileBytes, maxInflatedBytes - read.inflated);
    if (isRead) read.inflated += uncompressedSize;
    files.set(fileName, { packed, ...(isRead ? contentOf(await readEntry(zip, entry, null)) : {}) });
  }
  return files;
}

/** @param decompress false: as it is in the archive. The stream fails when an entry is larger than the directory claims */
async function readEntry(zip: ZipFile, entry: Entry, decompress: false | null): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry, { decompress }))
    chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function contentOf(bytes: Buffer): Pick<CodeFile, 'digest' | 'text'> {
  const isText = bytes.length <= maxFileBytes && isUtf8(bytes) && !bytes.includes(0);
  return { digest: digestOf(bytes), text: isText ? bytes.toString() : undefined };
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
