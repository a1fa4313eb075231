/**
 * Selects the files, folders and links of a folder for an image or an action's code, and gives the reason for each
 * that stays out.
 *
 * Treats the folder as hostile. Refuses devices, pipes and sockets, links that point outside of it, names that are
 * reserved or impossible in layers, and content above the limits. Reads only names, and the start of files that may
 * be private keys.
 */
import type { Stats } from 'node:fs';
import { lstat, opendir, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '../../blobs/index.ts';
import { errnoOf, messageOf } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import type { ArchiveLimits } from '../types.ts';
import { showName } from '../unpack/entry-name.ts';
import type { FolderEntry } from './folder-entry.ts';
import { ignoreFiles, type LeftOutReason, whyLeftOut } from './folder-left-out.ts';
import { type FolderBudget, folderBudget, folderLimits } from './folder-limits.ts';
import { checkLinks } from './folder-links.ts';
import { type IgnoreRules, parseIgnoreFile } from './ignore-file.ts';

export interface LeftOut {
  readonly path: string;
  readonly reason: LeftOutReason;
}

export interface FolderContent {
  /** Real and absolute path. */
  readonly root: string;
  /** Sorted by path; a folder comes before its content. */
  readonly entries: readonly FolderEntry[];
  readonly leftOut: readonly LeftOut[];
  /** The text of the ignore file; empty without one. */
  readonly ignoreText: string;
}

export interface FolderOptions {
  readonly limits?: ArchiveLimits;
  /** Absolute paths to ignore: the build can write there. */
  readonly without?: readonly string[];
}

const maxIgnoreBytes = 64 * 1024;
const lookedAtAtOnce = 32;

interface Walk {
  readonly root: string;
  readonly rules: IgnoreRules;
  readonly budget: FolderBudget;
  readonly without: readonly string[];
  readonly entries: FolderEntry[];
  readonly leftOut: LeftOut[];
}

/** @throws Fault BUILD_FOLDER_INVALID, BUILD_FOLDER_TOO_LARGE */
export async function readFolder(dir: string, options: FolderOptions = {}): Promise<FolderContent> {
  const root = await realFolder(dir);
  const { limits = folderLimits, without = [] } = options;
  const budget = folderBudget(limits);
  const ignore = await readIgnoreFile(root);
  const rules = parseIgnoreFile(ignore.text, ignore.name);
  const walk = { root, rules, budget, without, entries: [], leftOut: [] };
  await readInto(walk, '');
  const entries = sorted<FolderEntry>(walk.entries);
  checkLinks(entries);
  return { root, entries, leftOut: sorted<LeftOut>(walk.leftOut), ignoreText: ignore.text };
}

async function realFolder(dir: string): Promise<string> {
  const root = await realpath(dir).catch(() => undefined);
  if (root !== undefined && (await lstat(root)).isDirectory()) return root;
  throw imageFault('BUILD_FOLDER_INVALID', `the folder ${dir} does not exist`);
}

async function readIgnoreFile(root: string): Promise<{ readonly name: string; readonly text: string }> {
  for (const name of ignoreFiles) {
    const found = await lstat(join(root, name)).catch(() => undefined);
    if (found === undefined) continue;
    const bytes = found.isFile() ? await readRegularFile(join(root, name), maxIgnoreBytes) : undefined;
    if (bytes !== undefined) return { name, text: bytes.toString('utf8') };
    throw imageFault('BUILD_FOLDER_INVALID', `${name} is not a regular file`);
  }
  return { name: '', text: '' };
}

async function readInto(walk: Walk, folder: string): Promise<void> {
  const names = await namesIn(walk, folder);
  for await (const { name, path, stats } of lookAtAll(walk, folder, names)) {
    const reason = await whyLeftOut(walk, { path, name, stats, siblings: names });
    if (reason !== undefined) walk.leftOut.push({ path, reason });
    if (stats.isDirectory() ? reason === undefined || mayHoldMore(walk, reason) : reason === undefined)
      await add(walk, path, stats, reason === undefined);
  }
}

interface Found {
  readonly name: string;
  readonly path: string;
  readonly stats: Stats;
}

/** Limit of concurrent look-ups: most of the time is waiting. */
async function* lookAtAll({ root }: Walk, folder: string, names: ReadonlySet<string>): AsyncGenerator<Found> {
  const all = [...names];
  for (let at = 0; at < all.length; at += lookedAtAtOnce)
    yield* await Promise.all(all.slice(at, at + lookedAtAtOnce).map((name) => lookAt(root, folder, name)));
}

async function lookAt(root: string, folder: string, name: string): Promise<Found> {
  const path = folder === '' ? name : `${folder}/${name}`;
  try {
    return { name, path, stats: await lstat(join(root, path)) };
  } catch (cause) {
    throw imageFault('BUILD_FOLDER_INVALID', `${showName(path)}: ${messageOf(cause)}`, { cause });
  }
}

/** Counts names as they arrive: a folder can have more of them than fit into memory. */
async function namesIn({ root, budget }: Walk, folder: string): Promise<ReadonlySet<string>> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(join(root, folder))) {
      budget.countName(folder === '' ? name : `${folder}/${name}`);
      names.push(name);
    }
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw imageFault('BUILD_FOLDER_INVALID', `${showName(folder)}: ${messageOf(cause)}`, { cause });
  }
  return new Set(names.sort());
}

/** An ignored folder can contain files that the ignore file includes again. */
function mayHoldMore({ rules }: Walk, reason: LeftOutReason): boolean {
  return reason === 'ignored' && rules.takesBack;
}

async function add(walk: Walk, path: string, stats: Stats, isIn: boolean): Promise<void> {
  walk.budget.checkPath(path);
  if (stats.isDirectory()) {
    if (isIn) walk.entries.push({ type: 'folder', path });
    await readInto(walk, path);
  } else if (stats.isFile()) {
    walk.budget.countBytes(path, stats.size);
    const mode = stats.mode & 0o100 ? 0o755 : 0o644;
    walk.entries.push({ type: 'file', path, sizeBytes: stats.size, mode });
  } else if (stats.isSymbolicLink()) {
    walk.entries.push({ type: 'link', path, target: await readlink(join(walk.root, path)) });
  } else {
    throw imageFault('BUILD_FOLDER_INVALID', `${showName(path)} is not a file, folder or link`, {
      hint: 'Remove it, or list it in .wardignore.',
    });
  }
}

function sorted<Item extends { readonly path: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
