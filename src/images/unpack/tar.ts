/**
 * Unpacks the tar of an image layer, from an untrusted author, into an empty folder. Judges every entry by its name
 * and kind before it creates anything, by the same rules as the scanner. Drops owners and set-id bits: everything
 * belongs to the user who unpacks, folders and executables are 755, other files 644. Skips the usual nodes of `/dev`:
 * a sandbox has its own `/dev`. Whiteouts become overlayfs' own (`whiteouts.ts`). Source: OCI image-spec v1.1,
 * layer.md.
 */
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayerLimits } from '../layer/layer-limits.ts';
import { LayerPaths, type Placed } from '../layer/layer-paths.ts';
import type { TarEntry } from '../layer/tar-entry.ts';
import { type ReadEntry, TarReader } from '../layer/tar-reader.ts';
import { showName, unsafe } from './entry-name.ts';
import { type Folders, foldersBelow } from './folders.ts';
import { layWhiteouts } from './whiteouts.ts';

/** Longer files are written piece by piece. */
const longestWhole = 1024 * 1024;
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Unpacks into `root`, an empty folder that only the caller knows. On failure, leaves it half-filled: the caller
 * removes it.
 * @throws Fault ARCHIVE_UNSAFE, naming the entry, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID; errors of `source`
 */
export async function unpackTar(
  source: AsyncIterable<Buffer>,
  root: string,
  limits: LayerLimits,
): Promise<void> {
  const folders = foldersBelow(root);
  const paths = new LayerPaths(limits);
  const placed = (entry: TarEntry): Placed => {
    const found = paths.place(entry);
    if (found.problem === undefined) return found;
    throw unsafe(found.kind === 'nameless' ? found.problem : `${showName(found.path)} ${found.problem}`);
  };
  /** The state of the file that is being written. */
  const pieces: Buffer[] = [];
  let passing: TarEntry | undefined;
  let file: FileHandle | undefined;
  const reader = new TarReader({ ...limits, longestWhole }, (entry, piece) => {
    passing = entry;
    pieces.push(piece);
  });
  const flush = async (): Promise<void> => {
    if (passing === undefined || pieces.length === 0) return;
    file ??= await createFile(placed(passing), folders);
    await writeAll(file, pieces.splice(0));
  };
  const take = async ({ entry, content }: ReadEntry): Promise<void> => {
    if (content !== undefined) return layEntry(entry, content, placed(entry), folders);
    if (file !== undefined) await finishFile(file, entry);
    file = undefined;
    passing = undefined;
  };
  try {
    for await (const bytes of source) {
      reader.push(bytes);
      for (let isMore = true; isMore; ) {
        const read = reader.next();
        await flush();
        isMore = read !== undefined;
        if (read !== undefined) await take(read);
      }
    }
    reader.end();
  } finally {
    await file?.close();
  }
  await layWhiteouts(paths, root, folders);
}

async function layEntry(entry: TarEntry, content: Buffer, placed: Placed, folders: Folders): Promise<void> {
  switch (placed.kind) {
    case 'folder':
      return layFolder(placed.path, folders);
    case 'file': {
      const file = await createFile(placed, folders);
      await file.writeFile(content);
      return finishFile(file, entry);
    }
    case 'symlink':
      return symlink(placed.target, await freePath(placed.path, folders));
    case 'hardlink': {
      const original = await pathOf(placed.original, folders);
      return link(original, await freePath(placed.path, folders));
    }
  }
}

async function layFolder(path: string, folders: Folders): Promise<void> {
  if (path !== '') await removeFile(await pathOf(path, folders));
  await folders.ensure(partsOf(path));
}

async function createFile({ path }: Placed, folders: Folders): Promise<FileHandle> {
  return open(await freePath(path, folders), createFlags, 0o600);
}

async function finishFile(file: FileHandle, { mode, changedAt }: TarEntry): Promise<void> {
  try {
    await file.chmod(mode & 0o100 ? 0o755 : 0o644);
    if (changedAt !== undefined) await file.utimes(changedAt, changedAt);
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) await file.writeFile(piece);
}

/** Removes a file or link for a later entry of the same name; only a folder can follow a folder. */
async function freePath(path: string, folders: Folders): Promise<string> {
  const free = await pathOf(path, folders);
  await removeFile(free);
  return free;
}

async function removeFile(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) await rm(path);
}

/** Creates the folder and its parents. @throws Fault ARCHIVE_UNSAFE */
async function pathOf(path: string, folders: Folders): Promise<string> {
  const parts = partsOf(path);
  return join(await folders.ensure(parts.slice(0, -1)), parts.at(-1) ?? '');
}

function partsOf(path: string): readonly string[] {
  return path === '' ? [] : path.split('/');
}
