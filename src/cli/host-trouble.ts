/** Refusals of the machine that no code expected. They are not bugs of Ward's, and the operator can mend them. */
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

/** A hint about the file; undefined when the error is about something else. */
export function hostRemedy(error: unknown): string | undefined {
  if (!(error instanceof Error && 'path' in error)) return undefined;
  const code = errnoOf(error) ?? '';
  // Node answers so for a recursive mkdir on a read-only file system.
  const isUnmakable = code === 'ENOENT' && 'syscall' in error && error.syscall === 'mkdir';
  return remedies.get(isUnmakable ? 'EROFS' : code);
}
