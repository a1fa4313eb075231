/**
 * Where the operator's VEX documents are kept, and how Ward replaces all of them at once. A server with a database in its data
 * folder has a folder of files. Servers of a cluster share one set in their database. Files of one of them still count there, and
 * Ward only reads them: no other server has them.
 *
 * A new folder takes the place of the old one by two renames. Between them, and after a crash there, the old one counts under its
 * other name, so a reader always finds one of the two.
 */
import { type Stats, statSync } from 'node:fs';
import { chmod, lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, renameDurably, temporaryBeside, writeFileAtomically } from '../../blobs/index.ts';
import {
  type AuditDraft,
  type GateStore,
  noVex,
  type OperatorVex,
  operatorVex,
  packVex,
  readVexFiles,
  readVexFolder,
  type SharedFile,
  unpackVex,
  type VexDocument,
  vexNamesIn,
} from '../../gate/index.ts';
import { currentActor, errnoOf, isFault, messageOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { whyReadOnly } from './policy-place.ts';

export interface VexPlace {
  /** On this machine. */
  readonly folder: string;
  readonly store: Pick<GateStore, 'sharedFile' | 'write'>;
  /** Several servers can have the database. */
  readonly isShared: boolean;
}

/** Name of the documents among the files that all servers of a database use. */
export const sharedVex = 'vex.json';

/** Those in the folder of this machine; undefined: it has none. @throws Fault VEX_INVALID */
export async function readOwnVex(folder: string): Promise<OperatorVex | undefined> {
  const { at, stamp } = await ownNow(folder);
  if (stamp === '') return undefined;
  const [read] = await Promise.allSettled([readVexFolder(at)]);
  // If files changed meanwhile, it may have read some of before and some of after.
  if ((await stampOfOwnVex(folder)) !== stamp) return await readOwnVex(folder);
  if (read.status === 'rejected') throw read.reason;
  return read.value;
}

/** A text that changes with the files of this machine; empty when it has none. */
export async function stampOfOwnVex(folder: string): Promise<string> {
  return (await ownNow(folder)).stamp;
}

/** As `readOwnVex`, to be shared. Empty: it has none. @throws Fault VEX_INVALID */
export async function readOwnDocuments(folder: string): Promise<readonly VexDocument[]> {
  const { at, stamp } = await ownNow(folder);
  return stamp === '' ? [] : await readVexFiles([at]);
}

/** @throws Fault VEX_INVALID */
export function readSharedVex(shared: SharedFile | undefined): OperatorVex {
  return shared === undefined ? noVex : operatorVex(unpackVex(shared.bytes));
}

/**
 * The audit log names the current actor.
 * @param documents none: there are to be none any more
 * @throws Fault VEX_INVALID, VEX_CHANGED, VEX_READ_ONLY
 */
export async function replaceVex(
  { folder, store, isShared }: VexPlace,
  documents: readonly VexDocument[],
): Promise<OperatorVex> {
  const vex = operatorVex(documents);
  const bytes = packVex(documents);
  const kept = await store.sharedFile(sharedVex);
  const file = { name: sharedVex, digest: digestOf(bytes), bytes, before: kept?.digest ?? null };
  const write = (before: OperatorVex | undefined, shares: boolean) =>
    store
      .write({ audit: [entryOf(before, vex)], ...(shares && { sharedFiles: [file] }) })
      .catch((error: unknown) => {
        throw isFault(error, 'GATE_FILE_CHANGED') ? changedMeanwhile() : error;
      });
  if (isShared) {
    await write(readIfValid(kept), true);
    return vex;
  }
  const stamp = await stampOfOwnVex(folder);
  const mode = await modeToKeep(folder);
  const before = stamp === '' ? readIfValid(kept) : await readOwnVex(folder).catch(() => undefined);
  // Those that came back from a cluster would count again.
  await write(before, documents.length === 0 && kept !== undefined);
  if (stamp !== '' || documents.length > 0) await replaceFolder(folder, documents, { stamp, mode });
  return vex;
}

/** The folder that counts. */
export function ownVexFolder(folder: string): string {
  return inodeOf(folder) === undefined ? asideOf(folder) : folder;
}

/** Where the folder is while another takes its place. */
function asideOf(folder: string): string {
  return `${folder}.before`;
}

interface OwnNow {
  /** The folder that counts. */
  readonly at: string;
  readonly stamp: string;
}

async function ownNow(folder: string): Promise<OwnNow> {
  const inode = inodeOf(folder);
  const at = ownVexFolder(folder);
  const stamps: string[] = [];
  for (const name of await vexNamesIn(at)) {
    const found = await orUndefined(stat(join(at, name), { bigint: true }));
    if (found !== undefined)
      stamps.push(`${name} ${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`);
  }
  return inodeOf(folder) === inode ? { at, stamp: stamps.join('\n') } : await ownNow(folder);
}

/** Undefined: it does not exist. 0: it can't be looked at, and reading it says why. */
function inodeOf(folder: string): number | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.ino;
  } catch {
    return 0;
  }
}

interface Replaced {
  readonly stamp: string;
  readonly mode: number;
}

async function replaceFolder(
  folder: string,
  documents: readonly VexDocument[],
  { stamp, mode }: Replaced,
): Promise<void> {
  const stage = temporaryBeside(folder);
  try {
    await mkdir(stage, { mode: 0o700 });
    for (const { name, bytes } of documents)
      await writeFileAtomically(join(stage, name), bytes, { mode: 0o600 });
    await chmod(stage, mode);
    if ((await stampOfOwnVex(folder)) !== stamp) throw changedMeanwhile();
    await putAside(folder);
    await renameDurably(stage, folder);
  } catch (cause) {
    if (isTaken(cause)) throw changedMeanwhile();
    if (!['EACCES', 'EBUSY', 'EPERM', 'EROFS'].includes(errnoOf(cause) ?? '')) throw cause;
    throw readOnlyFault(`${folder} can’t be replaced: ${messageOf(cause)}`, cause);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
  await rm(asideOf(folder), { recursive: true, force: true });
}

async function putAside(folder: string): Promise<void> {
  const move = () => orUndefined(rename(folder, asideOf(folder)));
  try {
    await move();
  } catch (error) {
    if (!isTaken(error)) throw error;
    // The folder is there, so what an earlier change left under that name does not count.
    await rm(asideOf(folder), { recursive: true, force: true });
    await move();
  }
}

function isTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '');
}

/** @throws Fault VEX_READ_ONLY */
async function modeToKeep(folder: string): Promise<number> {
  const stats = await orUndefined(lstat(folder));
  if (stats === undefined) return 0o700;
  const why = whyReadOnly(folder, stats) ?? (await whyNotWhole(folder, stats));
  if (why !== undefined) throw readOnlyFault(why);
  return stats.mode & 0o777;
}

async function whyNotWhole(folder: string, stats: Stats): Promise<string | undefined> {
  if (!stats.isDirectory()) return `${folder} is not a folder`;
  const found = await readdir(folder, { withFileTypes: true });
  const other = found.find((each) => !(each.isFile() && each.name.endsWith('.json')));
  return other && `${join(folder, other.name)} is no document, so Ward does not replace the folder`;
}

function changedMeanwhile() {
  return serverFault('VEX_CHANGED', 'the VEX documents were changed meanwhile', {
    hint: 'look at them with ward vex list, and set them again',
  });
}

function readOnlyFault(message: string, cause?: unknown) {
  return serverFault('VEX_READ_ONLY', message, {
    hint: 'change the documents where they are managed; Ward replaces a folder of the server’s user with nothing else in it',
    ...(cause === undefined ? {} : { cause }),
  });
}

function readIfValid(shared: SharedFile | undefined): OperatorVex | undefined {
  try {
    return readSharedVex(shared);
  } catch {
    return undefined;
  }
}

/** The digests are revisions, which entries of the gate name too. */
function entryOf(before: OperatorVex | undefined, { revision, documents }: OperatorVex): AuditDraft {
  const { who, from, request } = currentActor();
  const count = `${documents.length} VEX ${documents.length === 1 ? 'document is' : 'documents are'}`;
  return {
    ...{ event: 'set-vex', time: new Date().toISOString(), actor: who, from, name: 'vex' },
    ...(request === undefined ? {} : { request }),
    ...(before === undefined || before.revision === '' ? {} : { before: before.revision }),
    ...(revision === '' ? {} : { after: revision, vexRevision: revision }),
    summary: `${count} put in force`,
  };
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
