/**
 * An image layer's tar stream → a folder that overlayfs can take as a lower layer.
 *
 * Invariants: nothing is written outside the root or through a link; files are made anew (`O_EXCL`), never
 * opened; a hard link leads only to a regular file of this layer; symbolic links are stored and never
 * followed; owners, special mode bits and extended attributes are dropped, and what its owner could read or
 * run everybody can, for in a sandbox every file is a stranger's. Refused: devices, pipes, sparse files,
 * unknown types, a name under which a folder already lies. Whiteouts become overlayfs' own (`whiteouts.ts`).
 * Source: OCI image-spec v1.1, layer.md.
 */
import { constants } from 'node:fs';
import { link, lstat, open, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract, type Header } from 'tar-stream';
import { isFault, messageOf } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import type { ArchiveLimits } from '../types.ts';
import { type Budget, newBudget } from './budget.ts';
import { entryParts, isSystemError, showName, unsafe } from './entry-name.ts';
import { type Folders, foldersBelow } from './folders.ts';
import { layWhiteouts, newWhiteouts, type Whiteouts } from './whiteouts.ts';

/** PATH_MAX; a longer target could never be followed. */
const maxLinkBytes = 4095;
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;

interface Job {
  readonly root: string;
  readonly limits: ArchiveLimits;
  readonly budget: Budget;
  readonly folders: Folders;
  readonly whiteouts: Whiteouts;
}

/**
 * Unpacks into `root`, an empty folder that only the caller knows. On failure it is left half-filled: the
 * caller removes it.
 * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID, naming the entry
 */
export async function unpackTar(source: Readable, root: string, limits: ArchiveLimits): Promise<void> {
  const job = {
    root,
    limits,
    budget: newBudget(limits),
    folders: foldersBelow(root),
    whiteouts: newWhiteouts(),
  };
  const reader = extract();
  const entries = async (): Promise<void> => {
    for await (const entry of reader) await unpackEntry(entry, job);
  };
  const results = await Promise.allSettled([entries(), pipeline(source, reader)]);
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (errors.length > 0) throw causeAmong(errors);
  await layWhiteouts(job.whiteouts, job.root, job.folders);
}

/** One failure ends both sides of the pipe; the one that began it says more. */
function causeAmong(errors: readonly unknown[]): unknown {
  const known = errors.find((error) => isFault(error) || isSystemError(error));
  if (known !== undefined) return known;
  const [cause] = errors;
  return imageFault('ARCHIVE_INVALID', `not a whole tar archive: ${messageOf(cause)}`, { cause });
}

async function unpackEntry(entry: Entry, job: Job): Promise<void> {
  const { header } = entry;
  // A size that is no number comes as null, and its content would never end.
  if (!Number.isSafeInteger(header.size)) {
    throw imageFault('ARCHIVE_INVALID', `${showName(header.name)} has no size`);
  }
  job.budget.countEntry(header.name);
  const parts = entryParts(header.name, job.limits.maxPathDepth);
  refuseSparse(header);
  const base = parts.at(-1);
  if (base === undefined) {
    if (header.type !== 'directory')
      throw unsafe(`${showName(header.name)} is the root, and a ${header.type}`);
  } else if (base.startsWith('.wh.')) {
    await job.folders.ensure(parts.slice(0, -1));
    job.whiteouts.add(parts);
  } else {
    await makeEntry(entry, parts, job);
  }
  entry.resume();
}

async function makeEntry(entry: Entry, parts: readonly string[], job: Job): Promise<void> {
  const { header } = entry;
  const path = join(await job.folders.ensure(parts.slice(0, -1)), parts.at(-1) ?? '');
  switch (header.type) {
    case 'directory':
      await clearWay(path, header, true);
      await job.folders.ensure(parts);
      return;
    case 'file':
    case 'contiguous-file':
      await clearWay(path, header, false);
      return writeFile(entry, path, job.budget);
    case 'symlink':
      await clearWay(path, header, false);
      return symlink(linkTarget(header), path);
    case 'link': {
      const original = await hardLinkSource(header, job);
      if (original === path) return;
      await clearWay(path, header, false);
      return link(original, path);
    }
    default:
      throw unsafe(`${showName(header.name)} is a ${header.type ?? 'thing of unknown type'}`);
  }
}

/** A later entry of the same name replaces a file or link; a folder is only ever met by a folder. */
async function clearWay(path: string, header: Header, forFolder: boolean): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || (forFolder && found.isDirectory())) return;
  if (found.isDirectory()) throw unsafe(`${showName(header.name)} would replace a folder of the same name`);
  await rm(path);
}

async function writeFile(entry: Entry, path: string, budget: Budget): Promise<void> {
  const { header } = entry;
  // What the header promises is refused before any of it is written.
  budget.countBytes(header.name, header.size ?? 0, 0);
  const file = await open(path, createFlags, 0o600);
  try {
    // streamx does not say what its chunks are; tar-stream's are bytes.
    for await (const chunk of entry) if (chunk instanceof Uint8Array) await file.writeFile(chunk);
    await file.chmod(header.mode & 0o100 ? 0o755 : 0o644);
    const seconds = (header.mtime?.getTime() ?? Number.NaN) / 1000;
    if (Number.isFinite(seconds)) await file.utimes(seconds, seconds);
  } finally {
    await file.close();
  }
}

async function hardLinkSource(header: Header, job: Job): Promise<string> {
  const target = linkTarget(header);
  const shown = `${showName(header.name)}, a hard link to ${showName(target)},`;
  const parts = entryParts(target, job.limits.maxPathDepth, shown);
  const folder = await job.folders.find(parts.slice(0, -1));
  const original = folder === undefined ? undefined : join(folder, parts.at(-1) ?? '.');
  const found = original === undefined ? undefined : await lstat(original).catch(() => undefined);
  if (original === undefined || !found?.isFile()) throw unsafe(`${shown} leads to no file of this layer`);
  return original;
}

function linkTarget(header: Header): string {
  // Null when the header has none, whatever its type says.
  const target = header.linkname || '';
  if (target === '' || target.includes('\0') || Buffer.byteLength(target) > maxLinkBytes) {
    throw unsafe(`${showName(header.name)} is a link to nowhere`);
  }
  return target;
}

function refuseSparse(header: Header): void {
  if (Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse'))) {
    throw unsafe(`${showName(header.name)} is a sparse file`);
  }
}
