/** Finds the offsets of the files in a tar archive on disk, without reading the files. */
import type { FileHandle } from 'node:fs/promises';
import {
  blockBytes,
  entryPath,
  invalidTar,
  linkTarget,
  parsePax,
  parseTarHeader,
  paxNumber,
} from '../../images/index.ts';

export interface ArchivedFile {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** An image has three for each layer, and a few more. */
const maxEntries = 10_000;
const maxExtraBytes = 64 * 1024;
const maxLinks = 4;

/** Maps paths to files, and paths of links to their targets. @throws Fault ARCHIVE_INVALID */
export async function indexTar(file: FileHandle): Promise<ReadonlyMap<string, ArchivedFile>> {
  const files = new Map<string, ArchivedFile>();
  const links = new Map<string, string>();
  let extras: { name?: Buffer; linkName?: Buffer; size?: number } = {};
  let position = 0;
  for (let entries = 0; ; entries++) {
    if (entries > maxEntries)
      throw invalidTar(`it has more than ${maxEntries} entries, so it is not an image`);
    const block = await readAt(file, position, blockBytes);
    if (block.length < blockBytes || block.every((byte) => byte === 0)) break;
    const header = parseTarHeader(block);
    const start = position + blockBytes;
    const sizeBytes = extras.size ?? header.sizeBytes;
    position = start + Math.ceil(sizeBytes / blockBytes) * blockBytes;
    if (/^[xLK]$/.test(header.type)) {
      if (sizeBytes > maxExtraBytes) throw invalidTar('the extended header of an entry is too long');
      extras = { ...extras, ...extrasOf(header.type, await readAt(file, start, sizeBytes)) };
      continue;
    }
    const { path } = entryPath(extras.name ?? header.name);
    if (path !== undefined && header.type === '0') files.set(path, { offset: start, sizeBytes });
    else if (path !== undefined && /^[12]$/.test(header.type)) {
      const target = (extras.linkName ?? header.linkName).toString('utf8');
      const original = header.type === '2' ? linkTarget(path, target) : entryPath(Buffer.from(target)).path;
      if (original !== undefined) links.set(path, original);
    }
    extras = {};
  }
  return withLinks(files, links);
}

/** Returns `length` bytes, or fewer at the end of the file. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}

function extrasOf(type: string, bytes: Buffer): { name?: Buffer; linkName?: Buffer; size?: number } {
  if (type !== 'x') {
    const end = bytes.indexOf(0);
    const text = end < 0 ? bytes : bytes.subarray(0, end);
    return type === 'L' ? { name: text } : { linkName: text };
  }
  const records = parsePax(bytes);
  const [name, linkName, size] = [records.get('path'), records.get('linkpath'), paxNumber(records, 'size')];
  return { ...(name && { name }), ...(linkName && { linkName }), ...(size !== undefined && { size }) };
}

function withLinks(
  files: Map<string, ArchivedFile>,
  links: ReadonlyMap<string, string>,
): ReadonlyMap<string, ArchivedFile> {
  for (const path of links.keys()) {
    let target: string | undefined = path;
    for (let hop = 0; hop < maxLinks && target !== undefined && !files.has(target); hop++)
      target = links.get(target);
    const found = files.get(target ?? '');
    if (found !== undefined) files.set(path, found);
  }
  return files;
}
