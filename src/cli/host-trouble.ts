/** What the machine refuses where no code expected it: no mistake of Ward's, and something that an operator can mend. */
import { errnoOf } from '../lib/index.ts';

const remedies: ReadonlyMap<string, string> = new Map([
  ['EROFS', 'name a folder that can be written, or mount its file system for writing'],
  ['ENOSPC', 'free space on the disk'],
  ['EDQUOT', 'free space, or raise the quota of the user'],
  ['EMFILE', 'raise the limit of open files: ulimit -Hn 65536'],
  ['ENFILE', 'raise the limit of open files of the machine: fs.file-max'],
  ['EACCES', 'run it as a user who may'],
  ['EPERM', 'run it as a user who may'],
  ['EIO', 'the disk, or what it is on, has failed: see the log of the kernel'],
]);

/** What to do about it; undefined: it is no trouble with a file. */
export function hostRemedy(error: unknown): string | undefined {
  if (!(error instanceof Error && 'path' in error)) return undefined;
  const code = errnoOf(error) ?? '';
  // So Node says that nothing can be made on a read-only file system, when the folders above are to be made as well.
  const isUnmakable = code === 'ENOENT' && 'syscall' in error && error.syscall === 'mkdir';
  return remedies.get(isUnmakable ? 'EROFS' : code);
}
