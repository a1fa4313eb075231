/**
 * Packs a folder into a reproducible zip: sorted, without times and owners. It takes the same files of a folder as
 * `ward image build`: `.wardignore` applies, and files that may hold secrets stay out. A zip of code has no links, so
 * the target of a link is stored under the link's name, if it is in the folder.
 */
import { glob, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, matchesGlob, relative, resolve, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { FolderContent, LeftOut, SourceFile } from '../images/index.ts';
import { errnoOf, formatSize, isFault, messageOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';

export interface FolderSource {
  readonly folder: string;
  /** The folder that `include` and `exclude` are relative to; by default the folder itself. */
  readonly base?: string | undefined;
  /** `[source]` or `[source, destination]`; a source can have wildcards. */
  readonly include?: readonly (readonly string[])[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

interface ZippedFolder {
  readonly bytes: Buffer;
  /** Without files that `exclude` names. */
  readonly leftOut: readonly LeftOut[];
}

interface Found extends SourceFile {
  /** Real and absolute path. */
  readonly root: string;
  readonly mode: number;
}

type Images = Pick<typeof import('../images/index.ts'), 'openSourceFile' | 'readFolder'>;

const maxFiles = 20_000;
const maxBytes = 256 * 1024 * 1024;
const maxDepth = 32;
/** Limit of visited names; names behind links count once per link. */
const maxSteps = 200_000;
/** The same in every time zone: a zip has no zone. */
const noTime = new Date(1980, 0, 1);

/** @throws Fault SOURCE_UNREADABLE */
export async function zipFolder(source: FolderSource): Promise<ZippedFolder> {
  const images: Images = await import('../images/index.ts');
  const found = new Map<string, Found>();
  try {
    const base = source.base ?? source.folder;
    const content = await images.readFolder(source.folder);
    const isExcluded = excludes(source.folder, base, source.exclude ?? []);
    await addFolder(content, '', isExcluded, found);
    const leftOut = content.leftOut.filter(({ path }) => !isExcluded(path));
    for (const [pattern = '', destination] of source.include ?? [])
      leftOut.push(...(await include(images, base, pattern, destination, found)));
    return { bytes: await zipOf(images, source.folder, found), leftOut };
  } catch (cause) {
    if (isFault(cause) && cause.code.startsWith('BUILD_FOLDER_'))
      throw cliFault('SOURCE_UNREADABLE', `${source.folder}: ${cause.message}`, {
        ...(cause.hint === undefined ? {} : { hint: cause.hint }),
      });
    if (errnoOf(cause) === undefined) throw cause;
    throw cliFault('SOURCE_UNREADABLE', messageOf(cause), { cause });
  }
}

/** Returns what was left out of the included folders. */
async function include(
  images: Images,
  base: string,
  pattern: string,
  destination: string | undefined,
  found: Map<string, Found>,
): Promise<readonly LeftOut[]> {
  const matches: string[] = [];
  for await (const match of glob(pattern, { cwd: base })) matches.push(match);
  if (matches.length === 0) throw refused(`include '${pattern}' matches nothing`);
  const isWild = matches.length > 1 || matches[0] !== join(pattern);
  const leftOut: LeftOut[] = [];
  for (const match of matches.toSorted()) {
    const path = resolve(base, match);
    const status = await stat(path);
    const target = destination === undefined ? match : targetOf(path, destination, isWild, status.isFile());
    if (status.isDirectory()) {
      const content = await images.readFolder(path);
      await addFolder(content, archivePath(target), () => false, found);
      leftOut.push(...content.leftOut.map((each) => ({ ...each, path: join(match, each.path) })));
    } else await addNamed(path, archivePath(target), found);
  }
  return leftOut;
}

/** A destination is a folder for several files; for one file, if it ends with a slash. */
function targetOf(path: string, destination: string, isWild: boolean, isFile: boolean): string {
  return isWild || (destination.endsWith('/') && isFile) ? join(destination, basename(path)) : destination;
}

/** A file that the manifest names: its name is not checked. */
async function addNamed(path: string, target: string, found: Map<string, Found>): Promise<void> {
  const real = await realpath(path);
  const status = await stat(real);
  if (!status.isFile()) throw refused(`${path} is neither a file nor a folder`);
  const mode = (status.mode & 0o111) === 0 ? 0o644 : 0o755;
  add(found, target, { root: dirname(real), path: basename(real), sizeBytes: status.size, mode });
}

/** Adds the files of a folder under `prefix`; a link as its target. */
async function addFolder(
  { root, entries, leftOut }: FolderContent,
  prefix: string,
  isExcluded: (path: string) => boolean,
  found: Map<string, Found>,
): Promise<void> {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  const children = childrenOf([...byPath.keys()]);
  const isOut = new Set(leftOut.map(({ path }) => path));
  let steps = 0;

  const addEntry = async (path: string, shown: string, above: readonly string[]): Promise<void> => {
    if (shown !== '' && isExcluded(shown)) return;
    if (++steps > maxSteps) throw refused(`the links in ${root} point to too many files`);
    if (shown.split('/').length > maxDepth) throw refused(`${shown} is more than ${maxDepth} folders deep`);
    const entry = byPath.get(path);
    if (entry?.type === 'link') {
      // A virtualenv has `lib64` as a second name of `lib`: everything would be packed twice.
      if (/(?:^|\/)lib64$/.test(path) && byPath.has(join(dirname(path), 'pyvenv.cfg'))) return;
      const target = await linkTarget(root, path);
      if (target === undefined || isOut.has(target) || !(target === '' || byPath.has(target)))
        throw refused(`the link ${join(root, path)} points to a file that is left out`, {
          hint: 'list the link in .wardignore, or include its target there with !NAME',
        });
      return addEntry(target, shown, above);
    }
    if (entry?.type === 'file') {
      const { sizeBytes, mode } = entry;
      return add(found, under(prefix, shown), { root, path, sizeBytes, mode });
    }
    if (above.includes(path)) throw refused(`the link ${join(root, shown)} is circular`);
    for (const name of children.get(path) ?? [])
      await addEntry(under(path, name), under(shown, name), [...above, path]);
  };
  await addEntry('', '', []);
}

function add(found: Map<string, Found>, name: string, file: Found): void {
  found.set(name, file);
  if (found.size > maxFiles)
    throw refused(`the folder has more than ${maxFiles} files, which is too many for an action`, {
      hint: 'list files that the action does not need in .wardignore',
    });
}

/** The path in the folder that a link finally points to; undefined when it does not exist. */
async function linkTarget(root: string, path: string): Promise<string | undefined> {
  const real = await realpath(join(root, path)).catch(() => undefined);
  if (real === undefined) return undefined;
  if (real === root) return '';
  if (real.startsWith(`${root}${sep}`)) return relative(root, real);
  throw refused(`the link ${join(root, path)} points outside of ${root}`);
}

/** An excluded folder can contain included entries. */
function childrenOf(paths: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const children = new Map<string, Set<string>>();
  for (const path of paths) {
    let folder = '';
    for (const name of path.split('/')) {
      const names = children.get(folder) ?? new Set();
      children.set(folder, names.add(name));
      folder = under(folder, name);
    }
  }
  return children;
}

function excludes(folder: string, base: string, patterns: readonly string[]): (path: string) => boolean {
  const plain = patterns.map((pattern) => pattern.replace(/^\.\//, '').replace(/\/$/, ''));
  return (path) => {
    const fromBase = relative(base, join(folder, path)).split(sep).join('/');
    return plain.some((pattern) => matchesGlob(path, pattern) || matchesGlob(fromBase, pattern));
  };
}

async function zipOf(
  { openSourceFile }: Images,
  folder: string,
  found: ReadonlyMap<string, Found>,
): Promise<Buffer> {
  const files = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const total = files.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0);
  if (files.length === 0) throw refused(`${folder} has no files to include`);
  if (total > maxBytes)
    throw refused(
      `the folder has ${formatSize(total)}, and the limit for an action is ${formatSize(maxBytes)}`,
      {
        hint: `list files that the action does not need in .wardignore; the largest are ${largestOf(files)}`,
      },
    );
  const { ZipFile } = await import('yazl');
  const zip = new ZipFile();
  for (const [name, file] of files) {
    const handle = await openSourceFile(file.root, file);
    try {
      zip.addBuffer(await handle.readFile(), name, {
        mtime: noTime,
        forceDosTimestamp: true,
        mode: 0o100000 | file.mode,
      });
    } finally {
      await handle.close();
    }
  }
  zip.end();
  return buffer(zip.outputStream);
}

/** The three largest top-level entries. */
function largestOf(files: readonly (readonly [name: string, Found])[]): string {
  const sizes = new Map<string, number>();
  for (const [name, { sizeBytes }] of files) {
    const top = name.split('/', 1)[0] ?? '';
    sizes.set(top, (sizes.get(top) ?? 0) + sizeBytes);
  }
  const largest = [...sizes].toSorted(([, a], [, b]) => b - a).slice(0, 3);
  return largest.map(([name, size]) => `${name} (${formatSize(size)})`).join(', ');
}

function under(folder: string, name: string): string {
  if (folder === '') return name;
  return name === '' ? folder : `${folder}/${name}`;
}

/** Stays within the archive, even if the manifest names a path outside. */
function archivePath(target: string): string {
  const parts = target.split(/[/\\]/).filter((part) => part !== '' && part !== '.');
  if (!parts.includes('..')) return parts.join('/');
  throw refused(`include can't put '${target}' outside the action; name a destination`);
}

function refused(what: string, more: { readonly hint?: string } = {}) {
  return cliFault('SOURCE_UNREADABLE', what, more);
}
