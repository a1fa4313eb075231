/**
 * Shares the advisories among the nodes of a cluster: the file of each node is a copy of the latest one. A node whose file is
 * later than the shared one, because of an update or an import there, packs it into a blob and names it in the database. The
 * others fetch it. Any node can do both, and all agree which of two files is later, so the latest reaches all of them in any
 * order of events. While the store of blobs is away, a node goes on with what it has.
 */
import { addAbortSignal } from 'node:stream';
import type { BlobStore, Digest } from '../../blobs/index.ts';
import type { GateStore } from '../../gate/index.ts';
import { isFault, type Log, messageOf, oneAfterAnother, watchUnneeded } from '../../lib/index.ts';
import { type AdvisoryDatabase, loadSnapshots } from '../../scanner/index.ts';
import { keepLease, type LeaseStore } from '../../store/index.ts';
import { noteLastUpdate, readLastUpdate } from './last-update.ts';
import { readSharedRow, type SharedAdvisories, type SharedRow, writeSharedRow } from './shared-row.ts';

export interface AdvisorySharing extends AsyncDisposable {
  /** Takes up the shared advisories, or shares those of this node, if they are not the same. The log has what fails. */
  look(): Promise<void>;
  /** Whether the shared advisories are later than those of this node. */
  isBehind(): boolean;
  /** What keeps this node from having the advisories of the others, or them from having its own. */
  problem(): string | undefined;
  /** Removes snapshots that no node needs any more. Call it regularly, on one node at a time. */
  sweep(): Promise<void>;
}

export interface AdvisorySharingOptions {
  /** Of this node's file. */
  readonly path: string;
  readonly advisories: Pick<AdvisoryDatabase, 'mark' | 'refresh'>;
  readonly store: Pick<GateStore, 'sharedFile' | 'write'>;
  readonly blobs: Pick<BlobStore, 'open' | 'size' | 'putStream' | 'list' | 'delete'>;
  /** So that nodes with the same file do not all pack it. */
  readonly leases: LeaseStore;
  /** Name of this node. */
  readonly node: string;
  /** Called with the number of bytes before they are written; throws when the disk has too little space. */
  readonly admitWrite: (bytes: number) => void;
  /** Called when this node has other advisories than before. */
  readonly onTaken: () => void;
  /** Lets other nodes look at once. */
  readonly tellOthers: () => void;
  readonly log: Log;
  /** For tests. */
  readonly times?: SharingTimes;
}

interface SharingTimes {
  /** Before the second try; then twice as long each time, up to `mostPauseMs`. */
  readonly pauseMs: number;
  /** How long a snapshot stays that is not the latest: a node can still be fetching it. */
  readonly graceMs: number;
  /** How often a node makes sure that the store has the snapshot. */
  readonly checkMs: number;
}

const hourMs = 3_600_000;
const defaultTimes: SharingTimes = { pauseMs: 5000, graceMs: hourMs, checkMs: hourMs };
const mostPauseMs = 600_000;

export async function openAdvisorySharing(options: AdvisorySharingOptions): Promise<AdvisorySharing> {
  const { path, advisories, store, blobs, leases, node, admitWrite, onTaken, tellOthers, log } = options;
  const { pauseMs, graceMs, checkMs } = options.times ?? defaultTimes;
  const { isLater, packSnapshot, putSnapshot, snapshotForm } = await loadSnapshots();
  const ending = new AbortController();
  const { signal } = ending;
  let row: SharedRow = { file: undefined, advisories: undefined };
  let problem: string | undefined;
  let failed = { of: '', times: 0, at: 0 };
  /** The last row that named what this node has, and when its blob was there, or taken for granted: a start asks no store. */
  let seen = { blob: '', at: 0 };

  const own = () => {
    const mark = advisories.mark();
    // An earlier Ward can have built a file without any time.
    return mark === undefined || mark.builtAt === '' ? undefined : mark;
  };
  const sizeOf = (blob: Digest) => unlessAborted(blobs.size(blob), signal);
  const isBehind = () => row.advisories !== undefined && isLater(row.advisories, own());
  const tell = (message: string) => {
    if (message !== problem) log.warn({ reason: message }, 'the advisories of the nodes differ');
    problem = message;
  };

  /** Whether the row names a blob that the store does not have. */
  const isLost = async ({ blob }: SharedAdvisories): Promise<boolean> => {
    if (seen.blob !== blob) seen = { blob, at: performance.now() };
    if (performance.now() - seen.at < checkMs) return false;
    if ((await sizeOf(blob)) === undefined) return true;
    seen = { blob, at: performance.now() };
    return false;
  };

  const isToBeShared = async (shared: SharedAdvisories | undefined): Promise<boolean> => {
    if (shared === undefined || isLater(own(), shared)) return own() !== undefined;
    return !isLater(shared, own()) && (await isLost(shared));
  };

  const takeUp = async (shared: SharedAdvisories): Promise<void> => {
    const { form, blob, blobBytes, bytes, lastUpdate, revision } = shared;
    if (form !== snapshotForm)
      throw new Error(
        `node ${shared.node}, of another version of Ward, has shared advisories of another form`,
      );
    const size = await sizeOf(blob);
    if (size !== blobBytes)
      throw new Error(`the store has ${size ?? 'no'} bytes of the shared advisories, and not ${blobBytes}`);
    admitWrite(bytes);
    const opening = blobs.open(blob);
    const packed = await unlessAborted(opening, signal, (late) => late.destroy());
    if (await putSnapshot({ path, mark: shared, bytes, packed, signal })) {
      if (lastUpdate !== undefined && lastUpdate.endedAt > (readLastUpdate(path)?.endedAt ?? ''))
        await noteLastUpdate(path, lastUpdate);
      log.info({ revision, from: shared.node }, 'took up the advisories of another node');
    }
    advisories.refresh();
    onTaken();
  };

  const share = async (): Promise<void> => {
    await using keeper = keepLease({ leases, name: 'advisories', log });
    if ((await keeper.held()) === undefined) return;
    row = await readSharedRow(store, row);
    if (!(await isToBeShared(row.advisories))) return;
    const { mark, bytes, packed } = await packSnapshot(path);
    const { revision, builtAt } = mark;
    const putting = blobs.putStream(addAbortSignal(signal, packed));
    const { digest: blob, size: blobBytes } = await unlessAborted(putting, signal);
    const at = new Date().toISOString();
    const of = { form: snapshotForm, revision, builtAt, bytes, blob, blobBytes, node, at };
    await writeSharedRow(store, { ...of, lastUpdate: readLastUpdate(path) }, row);
    row = await readSharedRow(store, row);
    log.info({ revision, bytes: blobBytes }, 'shared the advisories with the other nodes');
    tellOthers();
  };

  const settle = async (): Promise<void> => {
    const { advisories: shared } = row;
    if (shared !== undefined && isLater(shared, own())) await takeUp(shared);
    else if (await isToBeShared(shared)) await share();
  };

  const work = async (): Promise<void> => {
    if (signal.aborted) return;
    try {
      row = await readSharedRow(store, row);
    } catch (error) {
      tell(messageOf(error));
      return;
    }
    advisories.refresh();
    const of = `${row.file?.digest} ${own()?.revision} ${own()?.builtAt}`;
    if (failed.of !== of) failed = { of, times: 0, at: 0 };
    const pause = Math.min(pauseMs * 2 ** (failed.times - 1), mostPauseMs);
    if (failed.times > 0 && performance.now() - failed.at < pause) return;
    try {
      await settle();
      problem = undefined;
    } catch (error) {
      // Another node has shared something, or an import is under way here: the next look sees what came of it.
      if (signal.aborted || isFault(error, 'GATE_FILE_CHANGED') || isFault(error, 'ADVISORIES_BUSY')) return;
      failed = { of, times: failed.times + 1, at: performance.now() };
      tell(messageOf(error));
    }
  };
  const look = oneAfterAnother(work);
  const watch = watchUnneeded<string>(graceMs, () => performance.now());
  return {
    look,
    isBehind,
    problem: () => problem,
    async sweep() {
      const unneeded = watch();
      const named = async () => (await readSharedRow(store)).advisories?.blob;
      const needed = await named();
      for await (const digest of blobs.list()) {
        if (digest === needed || !unneeded.isOver(digest)) continue;
        if (digest !== (await named())) await blobs.delete(digest, signal);
      }
      unneeded.end();
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('Ward is being stopped'));
      await look();
    },
  };
}

/** A download or an upload ends with its bucket, for which a stop does not wait. */
async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  drop: (late: T) => void = () => {},
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => {
    work.then(drop, () => {});
    reject(signal.reason);
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
