/**
 * A root command works in a folder of another user, such as the server's data folder, with that user's rights. So it
 * leaves no file that the owner can't read, replace or delete, and follows no link that the owner could not. It
 * changes the rights of the whole process, with all its threads, and restores them afterwards.
 */
import { statSync } from 'node:fs';

export interface Acting extends Disposable {
  /** Works with the original rights, for the operator's own files, such as a backup. */
  aside<T>(work: () => Promise<T>): Promise<T>;
}

interface Rights {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/**
 * Only root's rights change, and only in folders of other users. A folder that does not exist yet will belong to
 * root.
 */
export function actAsOwner(folder: string): Acting {
  const owner = statSync(folder, { throwIfNoEntry: false });
  const before = currentRights();
  if (owner === undefined || before.uid !== 0 || owner.uid === 0)
    return { aside: (work) => work(), [Symbol.dispose]: () => {} };
  const its = { uid: owner.uid, gid: owner.gid, groups: [owner.gid] };
  take(its);
  return {
    async aside(work) {
      take(before);
      try {
        return await work();
      } finally {
        take(its);
      }
    },
    [Symbol.dispose]: () => take(before),
  };
}

/** The user who owns the folder, and as whom a server with the role `api` runs; undefined if it does not exist. */
export function ownerOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.uid;
}

/** Acts as the user who called sudo(8). Undefined when that is root. */
export function actAsCaller(env: NodeJS.ProcessEnv = process.env): Disposable | undefined {
  const [uid, gid] = [idOf(env['SUDO_UID']), idOf(env['SUDO_GID'])];
  const before = currentRights();
  if (before.uid !== 0 || uid === 0 || gid === 0) return undefined;
  take({ uid, gid, groups: [gid] });
  return { [Symbol.dispose]: () => take(before) };
}

function idOf(text: string | undefined): number {
  return /^\d{1,10}$/.test(text ?? '') ? Number(text) : 0;
}

/** Does `work` with the rights of the folder's owner. */
export async function actingAsOwner<T>(folder: string, work: () => Promise<T>): Promise<T> {
  using _acting = actAsOwner(folder);
  return await work();
}

function currentRights(): Rights {
  const { geteuid, getegid, getgroups } = process;
  if (geteuid === undefined || getegid === undefined || getgroups === undefined)
    throw new Error('Ward needs a system on which users have numeric ids');
  return { uid: geteuid(), gid: getegid(), groups: getgroups() };
}

/** The real user stays root, so that the process can go back; only root can change the group. */
function take({ uid, gid, groups }: Rights): void {
  process.seteuid?.(0);
  process.setgroups?.([...groups]);
  process.setegid?.(gid);
  process.seteuid?.(uid);
}
