/**
 * Streams files of a folder into a layer: sorted, owner 0:0, one date for all, so that the same files give the same
 * bytes everywhere. Packs parent folders before an entry.
 */
import { pipeline } from 'node:stream/promises';
import { type Archive, type PackedLayer, packArchive } from '../base-images/layer-blob.ts';
import type { FolderEntry } from './folder-entry.ts';
import { changed, openSourceFile } from './folder-file.ts';

export interface FileLayerOptions {
  /** The layout that gets the blob. */
  readonly dir: string;
  /** The folder of the entries, real and absolute. */
  readonly root: string;
  /** Its path in the image, without slashes around it. */
  readonly target: string;
  /** Sorted by path. */
  readonly entries: readonly FolderEntry[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * 1980-01-01, the first date that every archive format can store. Not `SOURCE_DATE_EPOCH`, which is often the date of
 * the last change to the code: unchanged layers would get new digests.
 */
const mtime = new Date(315_532_800_000);
const common = { mtime, uid: 0, gid: 0 };
/** Longer files are streamed. */
const wholeBytes = 256 * 1024;
const filesAhead = 16;

/** @throws Fault BUILD_FOLDER_INVALID when a file has changed */
export function packFiles(options: FileLayerOptions): Promise<PackedLayer> {
  const { dir, root, target, entries, signal } = options;
  return packArchive(dir, async (archive) => {
    const folders = new Set<string>();
    for (const { entry, content } of readingAhead(root, entries)) {
      signal?.throwIfAborted();
      const path = `${target}/${entry.path}`;
      for (const above of foldersAbove(path)) await addFolder(archive, above, folders);
      if (entry.type === 'folder') await addFolder(archive, path, folders);
      else if (entry.type === 'link')
        await add(archive, { name: path, type: 'symlink', mode: 0o777, linkname: entry.target });
      else if (content === undefined) await addLongFile(archive, root, path, entry);
      else await add(archive, { name: path, mode: entry.mode, type: 'file' }, await content);
    }
  });
}

type FileEntry = Extract<FolderEntry, { type: 'file' }>;

interface Ahead {
  readonly entry: FolderEntry;
  /** The content of a short file. */
  readonly content: Promise<Buffer> | undefined;
}

/** Yields the entries in order, and reads the next short ones ahead: most of the time is waiting. */
function* readingAhead(root: string, entries: readonly FolderEntry[]): Generator<Ahead> {
  const queue: Ahead[] = [];
  for (const entry of entries) {
    const isShort = entry.type === 'file' && entry.sizeBytes <= wholeBytes;
    const content = isShort ? readWhole(root, entry) : undefined;
    // Its consumer gets the error; after the failure of another entry it has none.
    content?.catch(() => {});
    queue.push({ entry, content });
    const first = queue.length > filesAhead ? queue.shift() : undefined;
    if (first !== undefined) yield first;
  }
  yield* queue;
}

/** `a/b/c` → `a`, `a/b`. */
function* foldersAbove(path: string): Generator<string> {
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) yield path.slice(0, at);
}

async function addFolder(archive: Archive, path: string, known: Set<string>): Promise<void> {
  if (known.has(path)) return;
  known.add(path);
  await add(archive, { name: `${path}/`, type: 'directory', mode: 0o755 });
}

type Header = Parameters<Archive['entry']>[0];

function add(archive: Archive, header: Header, content?: Buffer): Promise<void> {
  return new Promise((done, failed) => {
    const ended = (error?: Error | null) => (error ? failed(error) : done());
    if (content === undefined) archive.entry({ ...common, ...header }, ended);
    else archive.entry({ ...common, ...header, size: content.length }, content, ended);
  });
}

/** Truncates a file that grows, and detects one that shrinks. */
async function readWhole(root: string, entry: FileEntry): Promise<Buffer> {
  const file = await openSourceFile(root, entry);
  try {
    const content = Buffer.alloc(entry.sizeBytes);
    if (entry.sizeBytes === 0) return content;
    const { bytesRead } = await file.read(content, 0, content.length, 0);
    if (bytesRead === content.length) return content;
    throw changed(entry.path);
  } finally {
    await file.close();
  }
}

async function addLongFile(archive: Archive, root: string, name: string, entry: FileEntry): Promise<void> {
  const { sizeBytes: size, mode } = entry;
  const file = await openSourceFile(root, entry);
  try {
    const sink = archive.entry({ ...common, name, mode, type: 'file', size });
    const reading = { start: 0, end: size - 1, autoClose: false, highWaterMark: wholeBytes };
    await pipeline(file.createReadStream(reading), sink);
  } catch (error) {
    throw error instanceof Error && error.message === 'Size mismatch' ? changed(entry.path) : error;
  } finally {
    await file.close();
  }
}
