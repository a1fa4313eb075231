/**
 * Reads a folder of the host, file by file, like a layer. It does not follow links. File systems that are mounted inside
 * are gaps. It reads files synchronously, which takes a third of the time and blocks nothing: a scan or a command has the
 * process for itself.
 */
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { headBytes, linkTarget } from '../images/index.ts';
import { errnoOf, messageOf } from '../lib/index.ts';
import { type Analysers, type Collector, openCollector } from './collect/collector.ts';
import { assemble } from './inventory/assemble.ts';
import { isDatabasePath, isSystemLibrary } from './inventory/databases.ts';
import { copyrightLink } from './inventory/deb-copyright.ts';
import { addWithFolders, isCode } from './inventory/npm/folders.ts';
import { type FileFacts, type Finding, type Inventory, longestWhole } from './types.ts';

const maxFiles = 1_000_000;
const maxDepth = 100;
const pieceBytes = 1024 * 1024;
/** Time between two checks for an abort. */
const sliceMs = 20;
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const noAttributes: ReadonlyMap<string, Buffer> = new Map();

interface Walk {
  readonly root: string;
  readonly device: number;
  readonly signal: AbortSignal;
  readonly collector: Collector;
  files: number;
  hasSystem: boolean;
  /** Files of code, and all folders above them. */
  readonly code: Set<string>;
  sliceStart: number;
}

/** @throws what reading `dir` itself throws; the signal's reason */
export async function readFolder(
  dir: string,
  analysers: Analysers,
  signal: AbortSignal,
): Promise<{ readonly inventory: Inventory; readonly findings: readonly Finding[] }> {
  const collector = openCollector(analysers);
  // `dir` itself may be a link.
  const { dev } = statSync(dir);
  const sliceStart = performance.now();
  const walk: Walk = {
    root: dir,
    device: dev,
    signal,
    collector,
    files: 0,
    hasSystem: false,
    code: new Set(),
    sliceStart,
  };
  await walkEntries(walk, '', readdirSync(dir, { withFileTypes: true }), 0);
  const { evidence, findings, gaps, bareFolders, packageLinks } = collector.result();
  const standing = evidence.map((each) => ({ evidence: each, originOf: () => undefined }));
  const folders = { bare: bareFolders, links: packageLinks, hasCode: (path: string) => walk.code.has(path) };
  return {
    inventory: assemble({ standing, layers: [], gaps, folders, hasSystem: walk.hasSystem }),
    findings,
  };
}

async function walkEntries(walk: Walk, folder: string, entries: Dirent[], depth: number): Promise<void> {
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    await breathe(walk);
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    try {
      if (entry.isDirectory()) await enter(walk, path, depth);
      else if (entry.isSymbolicLink()) checkLink(walk, path);
      else if (entry.isFile()) await readFile(walk, path);
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      walk.collector.addGap(path, `it can't be read: ${messageOf(error)}`);
    }
  }
}

async function breathe(walk: Walk): Promise<void> {
  if (performance.now() - walk.sliceStart < sliceMs) return;
  await nextTurn();
  walk.signal.throwIfAborted();
  walk.sliceStart = performance.now();
}

async function enter(walk: Walk, path: string, depth: number): Promise<void> {
  const { dev, mode, uid, gid } = lstatSync(join(walk.root, path));
  if (dev !== walk.device) {
    walk.collector.addGap(path, 'another file system is mounted there, which was not scanned');
  } else if (depth >= maxDepth) {
    walk.collector.addGap(path, `it is deeper than ${maxDepth} folders`);
  } else {
    walk.collector.addFolder({ path, mode: mode & 0o7777, uid, gid });
    await walkEntries(walk, path, readdirSync(join(walk.root, path), { withFileTypes: true }), depth + 1);
  }
}

function checkLink(walk: Walk, path: string): void {
  const target = readlinkSync(join(walk.root, path));
  if (path.includes('node_modules')) walk.collector.addLink(path, linkTarget(path, target));
  const copyright = copyrightLink(path, target);
  if (copyright !== undefined) walk.collector.addProof(path, copyright);
  if (!isDatabasePath(path)) return;
  const found = linkTarget(path, target);
  if (found !== undefined && isDatabasePath(found)) return;
  walk.collector.addGap(
    path,
    'a package database or a folder above it is a link, which was not followed; make it a folder',
  );
}

async function readFile(walk: Walk, path: string): Promise<void> {
  walk.files++;
  if (walk.files === maxFiles + 1) walk.collector.addGap('', `it has more than ${maxFiles} files`);
  if (walk.files > maxFiles) return;
  walk.hasSystem ||= isSystemLibrary(path);
  if (isCode(path)) addWithFolders(walk.code, path);
  const file = openSync(join(walk.root, path), readFlags);
  try {
    const { mode, uid, gid, size } = fstatSync(file);
    const facts = { path, mode: mode & 0o7777, uid, gid, sizeBytes: size, xattrs: noAttributes };
    if (size > longestWhole) return await readLong(walk, facts, file);
    const content = readFileSync(file);
    // Another process may be writing to the file, so the bytes that were read determine its size.
    const whole = { ...facts, sizeBytes: content.length, head: content.subarray(0, headBytes), content };
    await walk.collector.add(whole);
  } finally {
    closeSync(file);
  }
}

async function readLong(walk: Walk, facts: FileFacts, file: number): Promise<void> {
  const long = walk.collector.watch(facts);
  const piece = Buffer.allocUnsafe(pieceBytes);
  let head: Buffer = Buffer.alloc(0);
  for (let length = readSync(file, piece); length > 0; length = readSync(file, piece)) {
    await breathe(walk);
    if (head.length === 0) head = Buffer.from(piece.subarray(0, Math.min(length, headBytes)));
    long.piece(piece.subarray(0, length));
    await long.ready();
  }
  await long.end(head);
}
