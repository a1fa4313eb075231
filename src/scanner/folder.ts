/**
 * A folder of the host, file by file, as a layer is read. Links are not followed; what is mounted inside of it is not
 * looked at, and is a gap.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../lib/index.ts';
import { type Analysers, type Collector, openCollector } from './collect/collector.ts';
import { assemble } from './inventory/assemble.ts';
import { isDatabasePath, isSystemLibrary } from './inventory/databases.ts';
import { linkTarget } from './layers/entry-path.ts';
import {
  type FileFacts,
  type Finding,
  headBytes,
  type Inventory,
  longestWhole,
  type ScannedFile,
} from './types.ts';

const maxFiles = 1_000_000;
const maxDepth = 100;
const pieceBytes = 1024 * 1024;
const noAttributes: ReadonlyMap<string, Buffer> = new Map();

interface Walk {
  readonly root: string;
  readonly device: number;
  readonly signal: AbortSignal;
  readonly collector: Collector;
  files: number;
  hasSystem: boolean;
}

/** @throws what reading `dir` itself fails with; the signal's reason */
export async function readFolder(
  dir: string,
  analysers: Analysers,
  signal: AbortSignal,
): Promise<{ readonly inventory: Inventory; readonly findings: readonly Finding[] }> {
  const collector = openCollector(analysers);
  const { dev } = await lstat(join(dir, '.'));
  const walk: Walk = { root: dir, device: dev, signal, collector, files: 0, hasSystem: false };
  await walkFolder(walk, '', 0);
  const { evidence, findings, gaps } = collector.result();
  const standing = evidence.map((each) => ({ evidence: each, originOf: () => undefined }));
  return { inventory: assemble({ standing, layers: [], gaps, hasSystem: walk.hasSystem }), findings };
}

async function walkFolder(walk: Walk, folder: string, depth: number): Promise<void> {
  if (depth > maxDepth) {
    walk.collector.addGap(folder, `it lies deeper than ${maxDepth} folders`);
    return;
  }
  const entries = await attempt(walk, folder, async () =>
    Array.fromAsync(await opendir(join(walk.root, folder))),
  );
  for (const entry of (entries ?? []).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    walk.signal.throwIfAborted();
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (await attempt(walk, path, () => enter(walk, path))) await walkFolder(walk, path, depth + 1);
    } else if (entry.isSymbolicLink()) {
      if (isDatabasePath(path)) await attempt(walk, path, () => checkLink(walk, path));
    } else if (entry.isFile()) {
      if (++walk.files > maxFiles) {
        walk.collector.addGap('', `it has more than ${maxFiles} files`);
        return;
      }
      walk.hasSystem ||= isSystemLibrary(path);
      await attempt(walk, path, () => readFile(walk, path));
    }
  }
}

/** What can't be read is a gap; but a folder that is not there at all is an error. */
async function attempt<T>(walk: Walk, path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (errnoOf(error) === undefined || path === '') throw error;
    walk.collector.addGap(path, `it can't be read: ${messageOf(error)}`);
    return undefined;
  }
}

/** False where another file system begins. */
async function enter(walk: Walk, path: string): Promise<boolean> {
  const { dev, mode, uid, gid } = await lstat(join(walk.root, path));
  if (dev !== walk.device) {
    walk.collector.addGap(path, 'another file system is mounted there, and was not looked at');
    return false;
  }
  walk.collector.addFolder({ path, mode: mode & 0o7777, uid, gid });
  return true;
}

async function checkLink(walk: Walk, path: string): Promise<void> {
  const found = linkTarget(path, await readlink(join(walk.root, path)));
  if (found !== undefined && isDatabasePath(found)) return;
  walk.collector.addGap(path, 'a package database or a folder of it is a link, and was not followed');
}

async function readFile(walk: Walk, path: string): Promise<void> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(join(walk.root, path), flags);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return;
    const { uid, gid, size } = stats;
    const facts = { path, mode: stats.mode & 0o7777, uid, gid, sizeBytes: size, xattrs: noAttributes };
    if (size <= longestWhole) await walk.collector.add(wholeFile(facts, await handle.readFile()));
    else await readLong(walk, facts, handle);
  } finally {
    await handle.close();
  }
}

/** Its size is that of what was read: somebody may write to it. */
function wholeFile(facts: FileFacts, content: Buffer): ScannedFile {
  return { ...facts, sizeBytes: content.length, head: content.subarray(0, headBytes), content };
}

async function readLong(walk: Walk, facts: FileFacts, handle: FileHandle): Promise<void> {
  const long = walk.collector.watch(facts);
  let head: Buffer | undefined;
  for await (const piece of handle.createReadStream({ highWaterMark: pieceBytes, autoClose: false })) {
    walk.signal.throwIfAborted();
    head ??= Buffer.from(piece.subarray(0, headBytes));
    long.piece(piece);
  }
  await long.end(head ?? Buffer.alloc(0));
}
