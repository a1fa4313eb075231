/**
 * A folder as a zip that is the same each time: sorted, without times, without owners. Links are followed as long
 * as they stay within the folder. What is included from elsewhere, and left out, is the manifest's to say.
 */
import { glob, lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, matchesGlob, relative, resolve, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { errnoOf, messageOf } from '../../lib/index.ts';
import { cliFault } from '../faults.ts';

export interface FolderSource {
  readonly folder: string;
  /** What `include` and `exclude` are relative to. */
  readonly base: string;
  /** `[source]` or `[source, destination]`; a source may have wildcards. */
  readonly include: readonly (readonly string[])[];
  readonly exclude: readonly string[];
}

interface Found {
  readonly file: string;
  readonly isExecutable: boolean;
  readonly size: number;
}

const maxFiles = 20_000;
const maxBytes = 256 * 1024 * 1024;
const maxDepth = 32;
/** In every time zone the same: a zip has no zone. */
const noTime = new Date(1980, 0, 1);

/** @throws Fault SOURCE_UNREADABLE */
export async function zipFolder(source: FolderSource): Promise<Buffer> {
  const found = new Map<string, Found>();
  try {
    await collect(source.folder, '', source, await realpath(source.folder), found, 0);
    for (const [pattern = '', destination] of source.include)
      await include(source, pattern, destination, found);
    return await zipOf(found);
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw cliFault('SOURCE_UNREADABLE', messageOf(cause), { cause });
  }
}

async function include(
  source: FolderSource,
  pattern: string,
  destination: string | undefined,
  found: Map<string, Found>,
): Promise<void> {
  const matches: string[] = [];
  for await (const match of glob(pattern, { cwd: source.base })) matches.push(match);
  if (matches.length === 0) throw refused(`include '${pattern}' finds nothing`);
  const isWild = matches.length > 1 || matches[0] !== join(pattern);
  for (const match of matches.toSorted()) {
    const path = resolve(source.base, match);
    const target = destination === undefined ? match : await targetOf(path, destination, isWild);
    await collect(path, archivePath(target), { ...source, exclude: [] }, await realpath(path), found, 0);
  }
}

/** A destination is a folder for several files, and for one if it ends like a folder. */
async function targetOf(path: string, destination: string, isWild: boolean): Promise<string> {
  const isFolder = isWild || (destination.endsWith('/') && (await stat(path)).isFile());
  return isFolder ? join(destination, basename(path)) : destination;
}

/** Puts a file, or all that is below a folder, under `prefix`. */
async function collect(
  path: string,
  prefix: string,
  source: FolderSource,
  root: string,
  found: Map<string, Found>,
  depth: number,
): Promise<void> {
  if (isExcluded(path, prefix, source)) return;
  if (depth > maxDepth) throw refused(`${path} is more than ${maxDepth} folders deep`);
  if ((await lstat(path)).isSymbolicLink()) await checkLink(path, root);
  const status = await stat(path);
  if (status.isDirectory()) {
    for (const name of (await readdir(path)).toSorted())
      await collect(
        join(path, name),
        prefix === '' ? name : `${prefix}/${name}`,
        source,
        root,
        found,
        depth + 1,
      );
    return;
  }
  if (!status.isFile()) throw refused(`${path} is neither a file nor a folder`);
  found.set(prefix === '' ? basename(path) : prefix, {
    file: path,
    isExecutable: (status.mode & 0o111) !== 0,
    size: status.size,
  });
  if (found.size > maxFiles) throw refused(`more than ${maxFiles} files in ${source.folder}`);
}

async function checkLink(path: string, root: string): Promise<void> {
  const target = await realpath(path);
  if (target === root || target.startsWith(`${root}${sep}`)) return;
  throw refused(`the link ${path} leads out of ${root}`);
}

function isExcluded(path: string, prefix: string, { base, exclude }: FolderSource): boolean {
  if (prefix === '') return false;
  const fromBase = relative(base, path).split(sep).join('/');
  return exclude.some((pattern) => {
    const plain = pattern.replace(/^\.\//, '').replace(/\/$/, '');
    return matchesGlob(prefix, plain) || matchesGlob(fromBase, plain);
  });
}

async function zipOf(found: ReadonlyMap<string, Found>): Promise<Buffer> {
  const files = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const total = files.reduce((sum, [, { size }]) => sum + size, 0);
  if (total > maxBytes) throw refused(`${total} bytes of files are too many for an action`);
  const { ZipFile } = await import('yazl');
  const zip = new ZipFile();
  for (const [name, { file, isExecutable }] of files)
    zip.addBuffer(await readFile(file), name, {
      mtime: noTime,
      forceDosTimestamp: true,
      mode: isExecutable ? 0o100755 : 0o100644,
    });
  zip.end();
  return buffer(zip.outputStream);
}

/** Within the archive: no way out of it, whatever the manifest says. */
function archivePath(target: string): string {
  const parts = target.split(/[/\\]/).filter((part) => part !== '' && part !== '.');
  if (!parts.includes('..')) return parts.join('/');
  throw refused(`include can't put '${target}' outside the action; name a destination`);
}

function refused(what: string) {
  return cliFault('SOURCE_UNREADABLE', what);
}
