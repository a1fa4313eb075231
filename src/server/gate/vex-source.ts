/**
 * The operator's VEX documents: the files of this machine, or else those that all servers of the database share. They are read
 * at the start, and again when they change.
 */
import { type GateStore, noVex, type OperatorVex } from '../../gate/index.ts';
import { errnoOf, type Log, messageOf, oneAfterAnother } from '../../lib/index.ts';
import { followShared } from './shared-file.ts';
import { readOwnVex, readSharedVex, sharedVex, stampOfOwnVex } from './vex-place.ts';

export interface VexSource {
  current(): OperatorVex;
  /** Of `current`; null: there are no documents. */
  source(): 'folder' | 'database' | null;
  /** Why the documents can't be read; undefined: they can be. */
  problem(): string | undefined;
  /**
   * Looks for a change. When the documents can't be read, the earlier ones still apply, and the log has the reason.
   * @throws Faults of the gate's store
   */
  refresh(): Promise<void>;
}

export interface VexSourceOptions {
  /** Of the operator's files. */
  readonly folder: string;
  readonly store: Pick<GateStore, 'sharedFile'>;
  readonly log: Log;
}

/** @throws Faults of the gate's store */
export async function openVexSource({ folder, store, log }: VexSourceOptions): Promise<VexSource> {
  const shared = await followShared({ name: sharedVex, what: 'set of VEX documents', store, log });
  let vex = noVex;
  let isOfFolder = false;
  let seen: string | undefined = '';
  let problem: string | undefined;
  let logged = '';
  const refresh = async (): Promise<void> => {
    const stamp = await stampOfOwnVex(folder);
    const isOwn = stamp !== '';
    if (!isOwn) await shared.refresh();
    const file = shared.current();
    const found = isOwn ? stamp : (file?.digest ?? '');
    if (found === seen) return;
    try {
      vex = isOwn ? ((await readOwnVex(folder)) ?? noVex) : readSharedVex(file);
      isOfFolder = isOwn;
      problem = undefined;
      seen = found;
    } catch (error) {
      // What the system refuses, such as a descriptor, is tried again; the same bytes stay no documents.
      seen = error instanceof Error && errnoOf(error.cause) !== undefined ? undefined : found;
      const reason = messageOf(error);
      const where = isOwn ? folder : 'the database';
      if (`${found} ${reason}` !== logged)
        log.error({ where, reason }, 'VEX documents can’t be read; the previous ones still apply');
      logged = `${found} ${reason}`;
      problem = reason;
    }
  };
  const looking = oneAfterAnother(refresh);
  await looking();
  return {
    current: () => vex,
    source: () => (vex.documents.length === 0 ? null : isOfFolder ? 'folder' : 'database'),
    problem: () => problem,
    refresh: looking,
  };
}
