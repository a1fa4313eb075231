/**
 * Places function code in folders of the host that sandboxes see read-only at /fn. Sandboxes that run the same code
 * share a folder; it is removed with the last of them. A prewarmed sandbox started before its code was known, so it
 * has its own folder, which is filled with hard links.
 */
import { chmod, link, lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobReader, Digest } from '../../blobs/index.ts';
import { codeArchiveLimits, isProgram, unpackZip } from '../../images/index.ts';
import { type Log, messageOf, randomHex } from '../../lib/index.ts';
import { shareWithSandboxes } from '../../sandbox/index.ts';

/** How code that is one file is stored in its folder. */
export interface CodeFile {
  readonly name: string;
  /**
   * `source`: the file is text; an archive is unpacked. `program`: the file is executable, alone or in an archive.
   * `archive`: an archive is kept as one file.
   */
  readonly form: 'source' | 'program' | 'archive';
}

export interface Code {
  readonly digest: Digest;
  readonly binary: boolean;
  readonly file: CodeFile;
}

/** A folder that exists until it is released. */
export interface CodeFolder {
  readonly path: string;
  release(): Promise<void>;
}

export interface CodeFolders {
  /** Returns the shared folder of `code`. @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID */
  lay(code: Code): Promise<CodeFolder>;
  /** Makes an empty folder, to be filled later. */
  empty(): Promise<CodeFolder>;
  /** Fills an empty folder with `code`. */
  fill(folder: CodeFolder, code: Code): Promise<void>;
}

interface Entry {
  holders: number;
  readonly path: Promise<string>;
  /** The path, once the code is there. */
  readonly laid: Promise<string>;
}

/** Makes and removes the folders that sandboxes see. */
export interface CodePlaces {
  /** Makes an empty folder that this process can fill, on the file system of `workDir`. */
  make(): Promise<string>;
  /** Removes a folder and its content. */
  remove(path: string): Promise<void>;
  /** For code that is being unpacked, until it is complete. */
  readonly workDir: string;
}

/** Opens places in `dir`. Empties it first: files of an earlier run are of no use. */
export async function openCodePlaces(dir: string): Promise<CodePlaces> {
  await mkdir(dir, { recursive: true, mode: 0o711 });
  // `dir` itself may be a mount point, which cannot be removed.
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
  // Files and folders made there inherit this.
  await shareWithSandboxes(dir);
  return {
    workDir: dir,
    async make() {
      const path = join(dir, randomHex(8));
      await mkdir(path, { mode: 0o755 });
      return path;
    },
    remove: (path) => rm(path, { recursive: true, force: true }),
  };
}

export function openCodeFolders(given: CodePlaces, blobs: Pick<BlobReader, 'get'>, log: Log): CodeFolders {
  const places = { ...given, remove: (path: string) => removeIfPossible(given, path, log) };
  const entries = new Map<string, Entry>();

  const lay = async (code: Code): Promise<CodeFolder> => {
    const key = `${code.digest}/${code.file.form}/${code.binary ? 'binary' : code.file.name}`;
    let entry = entries.get(key);
    if (!entry) {
      entry = begin(places, blobs, code);
      entries.set(key, entry);
    }
    entry.holders++;
    const release = releaseOnce(places, entries, key, entry);
    try {
      return { path: await entry.laid, release };
    } catch (error) {
      await release();
      throw error;
    }
  };

  return {
    lay,
    async empty() {
      const path = await places.make();
      return { path, release: () => places.remove(path) };
    },
    async fill(folder, code) {
      // A first call waits for this, and writing one file is faster than sharing and linking.
      if (!code.binary) {
        await writeSingle(code, await blobs.get(code.digest), folder.path);
        return;
      }
      const shared = await lay(code);
      try {
        await linkTree(shared.path, folder.path);
      } finally {
        await shared.release();
      }
    },
  };
}

/** If the disk accepts no changes, the folder stays until the next start, which empties the directory. */
async function removeIfPossible(places: CodePlaces, path: string, log: Log): Promise<void> {
  try {
    await places.remove(path);
  } catch (error) {
    log.warn({ path, reason: messageOf(error) }, 'could not remove unused code');
  }
}

function begin(places: CodePlaces, blobs: Pick<BlobReader, 'get'>, code: Code): Entry {
  const path = places.make();
  const laid = path.then(async (folder) => {
    await write(places, blobs, code, folder);
    return folder;
  });
  return { holders: 0, path, laid };
}

function releaseOnce(
  places: CodePlaces,
  entries: Map<string, Entry>,
  key: string,
  entry: Entry,
): () => Promise<void> {
  let released = false;
  return async () => {
    if (released) return;
    released = true;
    if (--entry.holders > 0) return;
    if (entries.get(key) === entry) entries.delete(key);
    const path = await entry.path.catch(() => undefined);
    if (path !== undefined) await places.remove(path);
  };
}

async function write(
  { workDir }: CodePlaces,
  blobs: Pick<BlobReader, 'get'>,
  code: Code,
  path: string,
): Promise<void> {
  const bytes = await blobs.get(code.digest);
  if (code.binary && isUnpacked(code, bytes)) {
    await unpackZip(bytes, path, codeArchiveLimits, workDir);
    if (code.file.form === 'program') await makeExecutable(join(path, code.file.name));
    return;
  }
  await writeSingle(code, bytes, path);
}

function isUnpacked({ file: { form } }: Code, bytes: Buffer): boolean {
  return form === 'source' || (form === 'program' && !isProgram(bytes));
}

async function writeSingle({ file }: Code, bytes: Buffer, path: string): Promise<void> {
  await writeFile(join(path, file.name), bytes, { mode: file.form === 'program' ? 0o755 : 0o644 });
}

/** Needed because not every archiver keeps modes, and the sandbox cannot change them. */
async function makeExecutable(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFile()) await chmod(path, 0o755);
}

/** Uses hard links: no bytes are copied, and the sandbox cannot change them, because it sees the folder read-only. */
async function linkTree(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) {
      await mkdir(target, { mode: 0o755 });
      await linkTree(source, target);
    } else await link(source, target);
  }
}
